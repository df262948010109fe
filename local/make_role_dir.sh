#!/usr/bin/env bash
# Combines data dirs into the training data of a role. From the data dirs of the test corpus, only utterances outside of
# the test fold are taken.
#
# Usage: local/make_role_dir.sh [options] <data-dir-out> <data-dir>...
#  e.g.: local/make_role_dir.sh --fold 3 --scored data/toy/iemocap_emotion data/toy/finetune_3 \
#          data/toy/cremad_emotion data/toy/iemocap_emotion
# Options:
#   --scored "<data-dir> ..."   which of the data dirs are of the test corpus
#   --fold <n>           the test fold
#   --without-class <emotion>   leave out the utterances of this class; it is an error if there are none
#   --unseen "<emotion> ..."    leave out the utterances of these classes, if there are any
#   --hold-out <share>   write this share of each data dir's speakers to <data-dir-out>/unseen_speakers; a net is
#                        validated on them, and back ends are calibrated on them (0)
#   --without-speakers <list>   leave out the utterances of these speakers
set -euo pipefail

scored=
fold=
without_class=
unseen=
hold_out=0
without_speakers=

. utils/parse_options.sh
. ./path.sh
[ $# -ge 2 ] || { usage >&2; exit 1; }
out=$1
shift

parts=()
for data in "$@"; do
  if [[ " $scored " == *" $data "* ]]; then
    [ -n "$fold" ] || die "--scored $data: give --fold too, the fold that is left out"
    part=$out/part_$(basename "$data")
    utils/select_fold.sh --part train "$fold" "$data" "$part"
    parts+=("$part")
  else
    parts+=("$data")
  fi
done
utils/combine_data.sh "$out" "${parts[@]}"
if [ -n "$without_class" ]; then
  grep -q " $without_class\$" "$out/utt2emo" || die "$out/utt2emo: no utterance of the class '$without_class'"
fi
if [ -n "$without_class$unseen" ]; then
  awk -v left=" $without_class $unseen " '!index(left, " " $2 " ")' "$out/utt2emo" > "$out/other_classes.list"
  utils/subset_data_dir.sh "$out" "$out/other_classes.list" "$out"
fi
if [ -n "$without_speakers" ]; then
  awk 'FILENAME == ARGV[1] { unseen[$1]; next } !($2 in unseen) { print $1 }' "$without_speakers" "$out/utt2spk" \
    > "$out/other_speakers.list"
  utils/subset_data_dir.sh "$out" "$out/other_speakers.list" "$out"
fi
if [ "$hold_out" != 0 ]; then
  python3 -m ser.bin.hold_out_speakers --share "$hold_out" "$out" "${parts[@]}"
fi
