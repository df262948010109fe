#!/usr/bin/env bash
# Combines the data dirs that a role trains on: <data>/<corpus>_<kind> for each of its corpora and kinds. Of the
# corpus that is scored only the utterances outside the fold are taken; without a fold, none.
#
# Usage: local/make_role_dir.sh [options] <data> "<corpus> ..." <data-dir-out>
#  e.g.: local/make_role_dir.sh --test iemocap --fold 3 --kinds emotion data/toy "cremad iemocap" data/toy/finetune_3
# Options: --test <corpus that is scored>  --fold <its fold that is tested, or none>  --kinds "<kind> ..."
#   --without-class <emotion>   leave out the utterances of this class
set -euo pipefail

test=
fold=none
kinds=emotion
without_class=

. utils/parse_options.sh
. ./path.sh
[ $# -eq 3 ] || { usage >&2; exit 1; }
data=$1
corpora=$2
out=$3

parts=()
for kind in $kinds; do
  for corpus in $corpora; do
    if [ "$corpus" != "$test" ]; then
      parts+=("$data/${corpus}_$kind")
    elif [ "$fold" != none ]; then
      utils/select_fold.sh --part train "$fold" "$data/${corpus}_$kind" "$out/part_$kind"
      parts+=("$out/part_$kind")
    fi
  done
done
[ ${#parts[@]} -gt 0 ] || die "$out: '$corpora' leaves nothing to train on without $test; name another corpus"
utils/combine_data.sh "$out" "${parts[@]}"
if [ -n "$without_class" ]; then
  grep -q " $without_class\$" "$out/utt2emo" || die "$out/utt2emo: no utterance of the class '$without_class'"
  grep -v " $without_class\$" "$out/utt2emo" > "$out/other_classes.list"
  utils/subset_data_dir.sh "$out" "$out/other_classes.list" "$out"
fi
