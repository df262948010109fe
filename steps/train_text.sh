#!/usr/bin/env bash
# Fine-tunes a BERT on the emotion of texts. A training that was interrupted goes on from its checkpoint.
#
# Usage: steps/train_text.sh [options] <data-dir> <utt2class> <model-dir>
#  e.g.: steps/train_text.sh --text-model bert-base-uncased data/dailydialog data/dailydialog/utt2emo exp/text
# Options: --cmd <wrapper>  --config <yaml>  --num-threads <n>
#   --text-model <name on the Hub, or folder; empty: the config's>
#   --valid-data <data-dir; empty: a share of <data-dir>>  --label-map <map whose classes are the model's>
#   --soft-targets true|false, whether the targets are annotators' votes (utt2votes, by the label map)
set -euo pipefail

cmd=utils/run.pl
config=conf/bert.yaml
text_model=
valid_data=
label_map=
soft_targets=false
num_threads=1      # on the CPU; the last bits of the model depend on it

. utils/parse_options.sh
. ./path.sh
[ $# -eq 3 ] || { usage >&2; exit 1; }
data=$1
utt2class=$2
model=$3

[ -f "$data/text" ] || die "no $data/text; the text model needs the utterances' words"
options=()
[ -z "$text_model" ] || options+=(--text-model "$text_model")
[ -z "$valid_data" ] || options+=(--valid-data "$valid_data")
[ -z "$label_map" ] || options+=(--label-map "$label_map")

log "$model: training; progress in $model/log/train.log"
$cmd --num-threads "$num_threads" "$model/log/train.log" \
  python3 -m ser.bin.train_text --config "$config" --num-threads "$num_threads" \
  --soft-targets "$soft_targets" "${options[@]}" "$data" "$utt2class" "$model"
log "$model: $(grep -v '^#' "$model/log/train.log" | tail -n 1)"
