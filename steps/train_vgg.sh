#!/usr/bin/env bash
# Trains a VGG on the log mel energies of a data dir, which may hold copies; a second one picks the epoch. Goes on from
# its checkpoint if it was cut off.
#
# Usage: steps/train_vgg.sh [options] <train-data-dir> <valid-data-dir> <model-dir>
#  e.g.: steps/train_vgg.sh --label-map conf/emotions/vgg_bert5.map data/train data/valid exp/vgg
# Options: --cmd <wrapper>  --config <yaml>  --num-threads <n>  --label-map <map whose classes are the model's>
#   --soft-targets true|false, whether annotators' votes (utt2votes, by the label map) are the targets
set -euo pipefail

cmd=utils/run.pl
config=conf/vgg_bert/vgg.yaml
label_map=conf/emotions/vgg_bert5.map
soft_targets=false
num_threads=1      # on the CPU; the last bits of the model depend on it

. utils/parse_options.sh
. ./path.sh
[ $# -eq 3 ] || { usage >&2; exit 1; }
train=$1
valid=$2
model=$3

for data in "$train" "$valid"; do
  [ -f "$data/feats.scp" ] || die "no $data/feats.scp; run steps/make_logmel.sh $data"
done

log "$model: training; progress in $model/log/train.log"
$cmd --num-threads "$num_threads" "$model/log/train.log" \
  python3 -m ser.bin.train_vgg --config "$config" --num-threads "$num_threads" \
  --label-map "$label_map" --soft-targets "$soft_targets" --valid-data "$valid" "$train" "$model"
log "$model: $(grep -v '^#' "$model/log/train.log" | tail -n 1)"
