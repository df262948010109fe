#!/usr/bin/env bash
# Makes the input features of the nets: subtracts the mean of a sliding window, then keeps only the voiced frames. With
# --speaker-cmvn true, features are instead normalised to mean 0 and variance 1 over all voiced frames of a speaker, like
# Kaldi's apply-cmvn --norm-vars=true. That uses the other recordings of a speaker, also those of test speakers.
#
# Reads feats.scp and vad.scp of a data dir. Writes a copy of the data dir, with feats.scp and utt2num_frames of the
# normalised features. Utterances with too little speech for ser-detect (min_speech of conf/detector.yaml) are listed in
# left_out and are not in the copy.
#
# Usage: steps/prepare_feats.sh [options] <data-dir> <data-dir-out> [<log-dir> [<ark-dir>]]
#  e.g.: steps/prepare_feats.sh --nj 8 --cmd "$train_cmd" data/cremad data/cremad_no_sil
# Options: --nj <n>  --cmd <wrapper>  --cmvn-config <file>  --compress true|false  --speaker-cmvn true|false
#   --least-speech <YAML with min_speech, in seconds>
#   --max-left-out <share of the utterances above which the step fails>
set -euo pipefail

nj=4
cmd=utils/run.pl
cmvn_config=conf/cmvn.conf
least_speech=conf/detector.yaml
compress=true
speaker_cmvn=false
max_left_out=      # empty: the default of ser/kaldi/left_out.py

. utils/parse_options.sh
. ./path.sh
[[ $# -ge 2 && $# -le 4 ]] || { usage >&2; exit 1; }
data_in=$1
data=$2
logs=${3:-$data/log}
arks=${4:-$data/data}

[ -f "$data_in/feats.scp" ] || die "no $data_in/feats.scp; run steps/make_mfcc_pitch.sh $data_in"
[ -f "$data_in/vad.scp" ] || die "no $data_in/vad.scp; run steps/compute_vad.sh $data_in"
utils/copy_data_dir.sh "$data_in" "$data"
limit_nj "$data"
utils/split_data.sh "$data" "$nj"
mkdir -p "$arks" "$logs"
split=$data/split$nj
rm -f "$data"/{feats.scp,vad.scp,utt2num_frames}     # these are of all frames; the jobs read them from the split dirs
name=$(basename "$data")
made=$arks/no_sil_$name.JOB
normalise=()
if $speaker_cmvn; then
  # Beside the arks: a cmvn.scp in the data dir would speak of features that are normalised already.
  stats=$arks/cmvn_$name
  $cmd "$logs/cmvn_stats_$name.log" python3 -m ser.bin.compute_cmvn_stats --utt2spk "$data_in/utt2spk" \
    --done "$stats.done" "scp:$data_in/feats.scp" "scp:$data_in/vad.scp" "ark,scp:$stats.ark,$stats.scp"
  normalise=(--speaker-stats "scp:$stats.scp" --utt2spk "$data_in/utt2spk")
fi

$cmd JOB=1:"$nj" "$logs/prepare_feats_$name.JOB.log" \
  python3 -m ser.bin.prepare_features --config "$cmvn_config" --least-speech "$least_speech" --compress "$compress" --max-left-out 1 \
  "${normalise[@]}" --done "$made.done" --left-out "$made.left_out" --write-num-frames "$made.num_frames" \
  "scp:$split/JOB/feats.scp" "scp:$split/JOB/vad.scp" "ark,scp:$made.ark,$made.scp"

utils/merge_jobs.sh ${max_left_out:+--max-left-out "$max_left_out"} --left-out "$made.left_out" "$data" "$nj" \
  "$made.scp:feats.scp" "$made.num_frames:utt2num_frames"
log "$name: normalised features of $(wc -l < "$data/feats.scp") utterances, voiced frames only, in $arks"
