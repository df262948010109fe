#!/usr/bin/env bash
# Reports names of speakers that may be one person, by the embeddings of a net that tells speakers apart: a TSV of the
# pairs, which may have none. A report and no failure.
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
