#!/usr/bin/env bash
# Fine-tunes an audio encoder on emotion. A training that was interrupted goes on from its checkpoint. The model can be
# given to steps/extract_audio_embeddings.sh as --encoder.
#
# Usage: steps/train_audio_encoder.sh [options] <train-data-dir> <model-dir>
#  e.g.: steps/train_audio_encoder.sh --encoder microsoft/wavlm-base --valid-data data/valid data/train exp/wavlm_tuned
# Options: --cmd <wrapper>  --config <yaml>  --num-threads <n>
#   --valid-data <data dir by which the epoch is chosen; empty: the last epoch is used>
#   --test-data <data dir whose class probabilities are written to <model-dir>/posteriors.scp>
#   --encoder <name on the Hub, or folder; empty: the config's>  --label-map <map whose classes are the model's>
#   --soft-targets true|false, whether the targets are annotators' votes (utt2votes, by the label map)
#   --settings "<key=value> <key=value> ...", replace settings of the config: "model.layers=9,10 fit.epochs=4"
set -euo pipefail

cmd=utils/run.pl
config=conf/audio_encoder.yaml
encoder=
valid_data=
test_data=
label_map=conf/emotions/native.map
soft_targets=false
settings=
num_threads=1      # on the CPU; the last bits of the model depend on it

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }
train=$1
model=$2

for data in "$train" ${valid_data:+"$valid_data"} ${test_data:+"$test_data"}; do
  [ -f "$data/wav.scp" ] || die "no $data/wav.scp; run local/prepare_<corpus>.sh"
done
options=()
[ -z "$encoder" ] || options+=(--encoder "$encoder")
[ -z "$valid_data" ] || options+=(--valid-data "$valid_data")
[ -z "$test_data" ] || options+=(--test-data "$test_data")
for setting in $settings; do options+=(--set "$setting"); done

log "$model: training; progress in $model/log/train.log"
$cmd --num-threads "$num_threads" "$model/log/train.log" \
  python3 -m ser.bin.train_audio_encoder --config "$config" --num-threads "$num_threads" "${options[@]}" \
  --label-map "$label_map" --soft-targets "$soft_targets" "$train" "$model"
log "$model: $(grep -v '^#' "$model/log/train.log" | tail -n 1)"
