#!/usr/bin/env bash
# Trains an audio encoder on the log-mel energies of a data dir, without labels: embeddings of windows of the same
# recording become similar, those of different recordings dissimilar (Shor et al., Interspeech 2020).
#
# Usage: steps/train_triplet.sh [options] <data-dir> <model-dir>
#  e.g.: steps/train_triplet.sh --valid-data data/voxceleb1_valid data/voxceleb1 exp/triplet
# Options: --cmd <wrapper>  --config <yaml>  --num-threads <n>  --valid-data <data dir by which the epoch is chosen>
#   --recordings <table of utterance and recording; default: utt2dialogue or segments of the data dir>
set -euo pipefail

cmd=utils/run.pl
config=conf/coattention/triplet.yaml
num_threads=1      # on the CPU; the last bits of the model depend on it
valid_data=
recordings=

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }
data=$1
model=$2

for dir in "$data" ${valid_data:+"$valid_data"}; do
  [ -f "$dir/feats.scp" ] || die "no $dir/feats.scp; run ser.bin.make_audioset_feats --level frame"
done
$cmd --num-threads "$num_threads" "$model/log/train.log" \
  python3 -m ser.bin.train_triplet --config "$config" --num-threads "$num_threads" \
  ${valid_data:+--valid-data "$valid_data"} ${recordings:+--recordings "$recordings"} "$data" "$model"
log "$model: trained; its curve is $model/curve.png"
