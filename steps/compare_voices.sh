#!/usr/bin/env bash
# Finds pairs of speaker names that may be the same person, by the embeddings of a net trained on speaker identity.
# Writes the pairs, if there are any, to a TSV. It never fails because of what it finds.
#
# Usage: steps/compare_voices.sh [options] <model-dir> <data-dir> <table>
#  e.g.: steps/compare_voices.sh exp/toy/pretrain_none data/toy/embedded exp/toy/voices.tsv
# Options: --nj <n>  --cmd <wrapper>  --layer <layer> (tdnn6)
set -euo pipefail

nj=4
cmd=utils/run.pl
layer=tdnn6

. utils/parse_options.sh
. ./path.sh
[ $# -eq 3 ] || { usage >&2; exit 1; }
model=$1
data=$2
table=$3

vectors=${table%.tsv}
steps/extract_embeddings.sh --nj "$nj" --cmd "$cmd" --layers "$layer" "$model" "$data" "$vectors"
$cmd "$vectors/log/compare_voices.log" \
  python3 -m ser.bin.compare_voices "$data/utt2spk" "scp:$vectors/$layer.scp" "$table"
grep -h "may be one voice\|not compared" "$vectors/log/compare_voices.log" >&2
