#!/usr/bin/env bash
# Makes a text vector for every utterance of the data dirs, and writes <out-dir>/all.scp. The vector is that of the
# utterance's own words. Training corpora whose actors speak a few fixed sentences (--drawn) are an exception: there it
# is the vector of a random utterance of the same emotion from the text model's training data. The draw uses the label,
# so it must never be used for a test corpus.
#
# Usage: local/make_text_vectors.sh [options] <text-model-dir> <donor-data-dir> <out-dir> <data-dir>...
#  e.g.: local/make_text_vectors.sh --drawn data/cremad exp/text data/dailydialog exp/text_embeddings \
#          data/cremad data/iemocap
# Options: --nj <n>  --cmd <wrapper>  --pooling cls|mean  --drawn "<data-dir> ..."  --seed <n of the draw>
set -euo pipefail

nj=4
cmd=utils/run.pl
pooling=
drawn=
seed=0

. utils/parse_options.sh
. ./path.sh
[ $# -ge 4 ] || { usage >&2; exit 1; }
model=$1
donors=$2
out=$3
shift 3

extract() { steps/extract_text_embeddings.sh --nj "$nj" --cmd "$cmd" --pooling "$pooling" "$model" "$1" "$out"; }
tables=()
donors_extracted=false
for data in "$@"; do
  name=$(basename "$data")
  if [[ " $drawn " == *" $data "* ]]; then
    $donors_extracted || extract "$donors"
    donors_extracted=true
    $cmd "$out/log/draw_$name.log" \
      python3 -m ser.bin.draw_text_vectors --seed "$seed" "$data/utt2emo" \
      "$donors/utt2emo" "scp:$out/$(basename "$donors").scp" "ark,scp:$out/$name.ark,$out/$name.scp"
    log "$out/$name.scp: text vectors drawn by label, for training only"
  else
    extract "$data"
  fi
  tables+=("$out/$name.scp")
done
utils/merge_scp.sh "$out/all.scp" "${tables[@]}"
