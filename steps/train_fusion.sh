#!/usr/bin/env bash
# Trains a fusion of modalities on one data dir, a second one picking the epoch, and writes the class probabilities that
# it gives the utterances of a third: <model-dir>/posteriors.scp.
#
# Usage: steps/train_fusion.sh [options] "<modality>=<scp> ..." <train-data-dir> <valid-data-dir> <test-data-dir> \
#          <model-dir>
#  e.g.: steps/train_fusion.sh --label-map conf/emotions/vgg_bert5.map \
#          "speech=exp/vgg/posteriors.scp text=exp/text/posteriors.scp" data/train data/valid data/test exp/fusion
# Options: --cmd <wrapper>  --config <yaml>  --num-threads <n>  --label-map <map whose classes are the model's>
#   --soft-targets true|false, whether annotators' votes (utt2votes, by the label map) are the targets
set -euo pipefail

cmd=utils/run.pl
config=conf/vgg_bert/fusion.yaml
label_map=conf/emotions/vgg_bert5.map
soft_targets=false
num_threads=1      # on the CPU; the last bits of the model depend on it

. utils/parse_options.sh
. ./path.sh
[ $# -eq 5 ] || { usage >&2; exit 1; }
tables=$1
train=$2
valid=$3
test=$4
model=$5

inputs=()
for table in $tables; do
  [ -f "${table#*=}" ] || die "no ${table#*=}, the vectors of '${table%%=*}'"
  inputs+=(--input "${table%%=*}=scp:${table#*=}")
done

$cmd --num-threads "$num_threads" "$model/log/train.log" \
  python3 -m ser.bin.train_fusion --config "$config" --num-threads "$num_threads" \
  --label-map "$label_map" --soft-targets "$soft_targets" "${inputs[@]}" --valid-data "$valid" "$train" "$model"
$cmd --num-threads "$num_threads" "$model/log/apply.log" \
  python3 -m ser.bin.apply_fusion --num-threads "$num_threads" "${inputs[@]}" \
  "$model" "$test" "ark,scp:$model/posteriors.ark,$model/posteriors.scp"
log "$model: $(grep -v '^#' "$model/log/train.log" | tail -n 1)"
