#!/usr/bin/env bash
# Writes a data dir, its folds and the scores of its cells as tables that other toolkits read, so that they can be run
# on the same split: audformat's (db.yaml and db.utterances.csv, which nkululeko reads as a CSV) or EmoBox's JSON lines
# with a train and a test list for each fold. local/prepare_table.sh reads both back, and the list beside them of what
# was left out of the data dir (db.utterances.left_out, <name>.left_out).
#
# Usage: utils/export_table.sh [options] <data-dir> <out-dir>
#  e.g.: utils/export_table.sh --format emobox data/toy/ravdess export/ravdess
# Options:
#   --format audformat|emobox   (audformat)
#   --name N                    of the corpus in the tables (that of the data dir)
#   --audio-dir D               write paths relative to this folder (absolute)
#   --cells "<cell-dir> ..."    write scores_<cell>.csv for each: emotion, predicted, and the posterior of each class
set -euo pipefail

format=audformat
name=
audio_dir=
cells=

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.export_table --format "$format" ${name:+"--name=$name"} ${audio_dir:+"--audio-dir=$audio_dir"} \
  ${cells:+"--cells=$cells"} "$1" "$2"
