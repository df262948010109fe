#!/usr/bin/env bash
# Computes librosa's log mel energies for the utterances of a data dir.
#
# Reads wav.scp, segments and utt2augment if they are there. Writes feats.scp and utt2num_frames; utterances that cannot
# be read or hold nothing but zeros are listed, with the reason, in left_out, and the data dir is cut to the others.
#
# Usage: steps/make_logmel.sh [options] <data-dir> [<log-dir> [<ark-dir>]]
#  e.g.: steps/make_logmel.sh --nj 8 --cmd "$train_cmd" data/iemocap
# Options: --nj <n>  --cmd <wrapper>  --config <yaml>  --compress true|false
#   --max-left-out <share of the utterances above which the step fails>
set -euo pipefail

nj=4
cmd=utils/run.pl
config=conf/vgg_bert/logmel.yaml
compress=true       # one byte a number, as Kaldi's speech-feature compression
max_left_out=0.05

. utils/parse_options.sh
. ./path.sh
[[ $# -ge 1 && $# -le 3 ]] || { usage >&2; exit 1; }
data=$1
logs=${2:-$data/log}
arks=${3:-$data/data}

utils/validate_data_dir.sh --no-feats --no-text --no-wav "$data"     # a missing clip is one to leave out
rm -f "$data"/{feats.scp,utt2num_frames}
limit_nj "$data"
utils/split_data.sh "$data" "$nj"
mkdir -p "$arks" "$logs"
split=$data/split$nj
name=$(basename "$data")
options=(--compress "$compress" --leave-out-zeros true --max-left-out 1)
[ ! -f "$data/segments" ] || options+=(--segments "$split/JOB/segments")
[ ! -f "$data/utt2augment" ] || options+=(--utt2augment "$split/JOB/utt2augment")

$cmd JOB=1:"$nj" "$logs/make_logmel_$name.JOB.log" \
  python3 -m ser.bin.make_features --logmel-config "$config" "${options[@]}" \
  --left-out "$split/JOB/left_out" --write-num-frames "$split/JOB/utt2num_frames" \
  "scp:$split/JOB/wav.scp" "ark,scp:$arks/raw_logmel_$name.JOB.ark,$split/JOB/feats.scp"

utils/merge_jobs.sh --max-left-out "$max_left_out" --left-out left_out "$data" "$nj" feats.scp utt2num_frames
log "$name: log mel energies of $(wc -l < "$data/feats.scp") utterances in $arks"
