#!/usr/bin/env bash
# Trains an x-vector net on the prepared features of a data dir, from scratch or from another model.
#
# <utt2class> has the classes: utt2spk to pretrain on speaker identity, utt2emo to fine-tune on emotion. A training that
# was interrupted goes on from its checkpoint; a finished one with the same settings and data is not repeated.
#
# Usage: steps/train_xvector.sh [options] <data-dir> <utt2class> <model-dir>
#  e.g.: steps/train_xvector.sh --config conf/xvector_pretrain.yaml data/pretrain data/pretrain/utt2spk exp/pretrain
# Options: --cmd <wrapper>  --config <yaml>  --init-model <model-dir to start from>  --num-threads <n>
#   --processes <n>   processes on one machine that share each minibatch, one per GPU (1)
set -euo pipefail

cmd=utils/run.pl
config=conf/xvector_pretrain.yaml
init_model=
num_threads=1      # on the CPU; the last bits of the model depend on it
processes=1

. utils/parse_options.sh
. ./path.sh
[ $# -eq 3 ] || { usage >&2; exit 1; }
data=$1
utt2class=$2
model=$3

[ -f "$data/feats.scp" ] || die "no $data/feats.scp; run steps/prepare_feats.sh <data-dir> $data"
options=() launcher=(python3) resources=(--num-threads "$num_threads")
if [ "$processes" -gt 1 ]; then
  launcher=(torchrun --standalone --nproc-per-node "$processes")
  resources=(--num-threads $((processes * num_threads)) --gpu "$processes")
fi
[ -z "$init_model" ] || options=(--init-model "$init_model")

log "$model: training; progress in $model/log/train.log"
$cmd "${resources[@]}" "$model/log/train.log" \
  "${launcher[@]}" -m ser.bin.train_xvector --config "$config" --num-threads "$num_threads" "${options[@]}" \
  "$data" "$utt2class" "$model"
log "$model: $(grep -v '^#' "$model/log/train.log" | tail -n 1)"
