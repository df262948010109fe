#!/usr/bin/env bash
# Decides for every frame whether it is speech, by its energy (the first feature). Reads feats.scp, writes vad.scp.
#
# Usage: steps/compute_vad.sh [options] <data-dir> [<log-dir> [<ark-dir>]]
#  e.g.: steps/compute_vad.sh --nj 8 --cmd "$train_cmd" data/cremad exp/log/cremad mfcc
# Options: --nj <n>  --cmd <wrapper>  --vad-config <file>
set -euo pipefail

nj=4
cmd=utils/run.pl
vad_config=conf/vad.conf

. utils/parse_options.sh
. ./path.sh
[[ $# -ge 1 && $# -le 3 ]] || { usage >&2; exit 1; }
data=$1
logs=${2:-$data/log}
arks=${3:-$data/data}

[ -f "$data/feats.scp" ] || die "no $data/feats.scp; run steps/make_mfcc_pitch.sh $data"
limit_nj "$data"
utils/split_data.sh "$data" "$nj"
mkdir -p "$arks" "$logs"
rm -f "$data/vad.scp"
split=$data/split$nj
name=$(basename "$data")
made=$arks/vad_$name.JOB

$cmd JOB=1:"$nj" "$logs/compute_vad_$name.JOB.log" \
  python3 -m ser.bin.compute_vad --config "$vad_config" --done "$made.done" \
  "scp:$split/JOB/feats.scp" "ark,scp:$made.ark,$made.scp"

utils/merge_jobs.sh "$data" "$nj" "$made.scp:vad.scp"
log "$name: voice activity of $(wc -l < "$data/vad.scp") utterances in $arks"
