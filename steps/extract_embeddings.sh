#!/usr/bin/env bash
# Extracts the embeddings of a data dir's utterances at the given layers of an x-vector net, in one pass over the data.
# Writes <out-dir>/<layer>.scp with its arks.
#
# Usage: steps/extract_embeddings.sh [options] <model-dir> <data-dir> <out-dir>
#  e.g.: steps/extract_embeddings.sh --layers tdnn6,tdnn7 --nj 8 exp/finetune data/iemocap_no_sil exp/embeddings
# Options: --nj <n>  --cmd <wrapper>  --layers <layer,layer,...>
set -euo pipefail

nj=4
cmd=utils/run.pl
layers=tdnn6,tdnn7

. utils/parse_options.sh
. ./path.sh
[ $# -eq 3 ] || { usage >&2; exit 1; }
model=$1
data=$2
out=$3

[ -f "$data/feats.scp" ] || die "no $data/feats.scp; run steps/prepare_feats.sh <data-dir> $data"
[ -f "$model/model.safetensors" ] || die "no $model/model.safetensors; run steps/train_xvector.sh"
limit_nj "$data"
utils/split_data.sh "$data" "$nj"

$cmd JOB=1:"$nj" "$out/log/extract.JOB.log" \
  python3 -m ser.bin.extract_embeddings --layers "$layers" --job JOB --done "$out/embeddings.JOB.done" \
  "$model" "scp:$data/split$nj/JOB/feats.scp" "$out"

for layer in ${layers//,/ }; do
  utils/merge_scp.sh "$out/$layer.scp" $(seq -f "$out/$layer.%g.scp" "$nj")
done
log "$out: embeddings of $(wc -l < "$out/${layers%%,*}.scp") utterances at $layers"
