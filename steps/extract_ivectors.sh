#!/usr/bin/env bash
# Extracts online i-vectors, one each 10 frames, of the utterances of a data dir.
#
# --history tells what an i-vector knows: the utterance so far (utterance), the talker's earlier utterances of the
# dialogue too (dialogue, in the order of utt2start where it is there), or all that come before by id (speaker).
#
# Usage: steps/extract_ivectors.sh [options] <online.conf> <data-dir> <dir>
#  e.g.: steps/extract_ivectors.sh --history utterance exp/extractor/online.conf data/iemocap exp/ivectors_iemocap
# Options: --cmd <wrapper>  --nj <n>  --history utterance|dialogue|speaker
# Writes <dir>/ivector_online.scp.
set -euo pipefail

cmd=utils/run.pl
nj=4
history=utterance

. utils/parse_options.sh
. ./path.sh
[ $# -eq 3 ] || { usage >&2; exit 1; }
conf=$1
data=$2
dir=$3

mkdir -p "$dir"
case $history in
  utterance) awk '{ print $1, $1 }' "$data/utt2spk" ;;
  speaker) cat "$data/spk2utt" ;;
  dialogue)
    [ -f "$data/utt2dialogue" ] || die "no $data/utt2dialogue; give --history utterance or speaker"
    start=$data/utt2start
    [ -f "$start" ] || start=/dev/null
    awk 'FILENAME == ARGV[1] { dialogue[$1] = $2; next } FILENAME == ARGV[2] { start[$1] = $2; next }
         { print $2 "@" dialogue[$1], start[$1] + 0, $1 }' "$data/utt2dialogue" "$start" "$data/utt2spk" |
      LC_ALL=C sort -k1,1 -k2,2g -k3,3 |
      awk '{ if ($1 != last) { if (NR > 1) print ""; printf "%s", $1; last = $1 } printf " %s", $3 } END { print "" }' ;;
  *) die "--history: expected utterance, dialogue or speaker, found '$history'" ;;
esac > "$dir/spk2utt"
lines=$(wc -l < "$dir/spk2utt")
[ "$nj" -le "$lines" ] || nj=$lines
for n in $(seq "$nj"); do
  awk -v n="$n" -v nj="$nj" -v lines="$lines" 'int((NR - 1) * nj / lines) + 1 == n' "$dir/spk2utt" > "$dir/spk2utt.$n"
  awk 'NR == FNR { for (i = 2; i <= NF; i++) mine[$i]; next } $1 in mine' "$dir/spk2utt.$n" "$data/feats.scp" > "$dir/feats.$n.scp"
done
$cmd JOB=1:"$nj" "$dir/log/extract_ivectors.JOB.log" \
  python3 -m ser.bin.extract_online_ivectors --config "$conf" --done "$dir/log/ivectors.JOB.done" \
  "ark:$dir/spk2utt.JOB" "scp:$dir/feats.JOB.scp" "ark,scp:$dir/ivector_online.JOB.ark,$dir/ivector_online.JOB.scp"
for n in $(seq "$nj"); do cat "$dir/ivector_online.$n.scp"; done | LC_ALL=C sort > "$dir/ivector_online.scp"
[ "$(wc -l < "$dir/ivector_online.scp")" -eq "$(wc -l < "$data/feats.scp")" ] ||
  die "$dir/ivector_online.scp: not as many as the $(wc -l < "$data/feats.scp") utterances of $data/feats.scp; see $dir/log"
log "$dir: i-vectors of $(wc -l < "$dir/ivector_online.scp") utterances, history by $history"
