#!/usr/bin/env bash
# Compares the layers of an audio encoder on a corpus with speaker folds: each layer is classified by LDA and PLDA and by
# a support vector machine, with and without speaker normalisation.
#
# Expected for YAMNet on RAVDESS (actors 1 to 12, 6 folds, 8 classes): docs/audio_encoders.md.
#
# Usage: local/compare_audio_layers.sh [options] <data-dir> <exp-dir>
#  e.g.: local/compare_audio_layers.sh --encoder exp/yamnet --layers "9 10 11 final" data/ravdess exp/yamnet/ravdess
# Options: --cmd <wrapper>  --nj <n>  --num-threads <n>
#   --encoder <name on the Hub, or folder>  --layers "<layer> <layer> ..."
#   --label-map <map>     maps the corpus's labels to the classes; "": its own labels are the classes
#   --config <yaml of the back end>
set -euo pipefail

cmd=utils/run.pl
nj=1
num_threads=2
encoder=
layers=final
label_map=
config=conf/ravdess/backend.yaml

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }
data=$1
exp=$2

[ -f "$data/utt2fold" ] || die "no $data/utt2fold; prepare the corpus with --folds"
steps/extract_audio_embeddings.sh --cmd "$cmd" --nj "$nj" --num-threads "$num_threads" --encoder "$encoder" \
  --layers "$layers" "$data" "$exp/vectors"
scored=$data
if [ -n "$label_map" ]; then
  scored=$exp/data
  utils/apply_label_map.sh "$label_map" "$data" "$scored"
fi
$cmd "$exp/log/compare.log" python3 -m ser.bin.compare_layers --config "$config" --layers "${layers// /,}" \
  "$scored" "$exp/vectors" "$exp/layers.tsv"
column -t "$exp/layers.tsv"
