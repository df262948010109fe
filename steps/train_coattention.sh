#!/usr/bin/env bash
# Trains the co-attention of speech and text, or an attention over one of them. The epoch is chosen on the validation
# data. The class probabilities of the test data are written to <model-dir>/posteriors.scp.
#
# Usage: steps/train_coattention.sh [options] "<modality>=<scp> ..." <train-data-dir> <valid-data-dir> <test-data-dir> \
#          <model-dir>
#  e.g.: steps/train_coattention.sh "speech=exp/yamnet/10.scp text=exp/t5/tokens.scp" \
#          data/train data/valid data/test exp/coattention
# Options: --cmd <wrapper>  --config <yaml>  --num-threads <n>  --label-map <map whose classes are the model's>
#   --soft-targets true|false, whether the targets are annotators' votes (utt2votes, by the label map)
#   --overrides "<key>=<value> ..."   replace settings of the config, such as loss.kind=cross_entropy
#   --encoder <net-dir> --encoder-layer <layer>   an audio encoder of patches that is fine-tuned too. The table of speech
#     must then hold patches (ser.bin.make_audioset_feats --level patch); the tuned encoder is <model-dir>/encoder
#   --without-text true|false, whether to test without text too; writes <model-dir>/posteriors_none.scp
set -euo pipefail

cmd=utils/run.pl
config=conf/coattention/fusion.yaml
label_map=conf/emotions/four.map
soft_targets=false
overrides=
encoder=
encoder_layer=
without_text=false
num_threads=1      # on the CPU; the last bits of the model depend on it

. utils/parse_options.sh
. ./path.sh
[ $# -eq 5 ] || { usage >&2; exit 1; }
sequences=$1
train=$2
valid=$3
test=$4
model=$5

inputs=()
for table in $sequences; do
  [ -f "${table#*=}" ] || die "no ${table#*=}, the sequences of '${table%%=*}'"
  inputs+=(--input "${table%%=*}=scp:${table#*=}")
done
settings=()
if [ -n "$encoder" ]; then
  [ -n "$encoder_layer" ] || die "--encoder $encoder: give --encoder-layer too, such as 10"
  settings+=(--encoder "$encoder" --encoder-layer "$encoder_layer")
fi
for override in $overrides; do settings+=(--set "$override"); done

$cmd --num-threads "$num_threads" "$model/log/train.log" \
  python3 -m ser.bin.train_coattention --config "$config" "${settings[@]}" --num-threads "$num_threads" \
  --label-map "$label_map" --soft-targets "$soft_targets" "${inputs[@]}" --valid-data "$valid" "$train" "$model"
$cmd --num-threads "$num_threads" "$model/log/apply.log" \
  python3 -m ser.bin.apply_coattention --num-threads "$num_threads" "${inputs[@]}" \
  "$model" "$test" "ark,scp:$model/posteriors.ark,$model/posteriors.scp"
if $without_text; then
  $cmd --num-threads "$num_threads" "$model/log/apply_none.log" \
    python3 -m ser.bin.apply_coattention --num-threads "$num_threads" "${inputs[@]}" --without text \
    "$model" "$test" "ark,scp:$model/posteriors_none.ark,$model/posteriors_none.scp"
fi
log "$model: $(grep -v '^#' "$model/log/train.log" | tail -n 1)"
