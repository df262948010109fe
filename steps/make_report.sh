#!/usr/bin/env bash
# Makes the report of a run. <exp-dir>/report.html is a page that opens from disk and needs no network; <exp-dir>/figures
# has its pictures as PNG and their numbers as TSV. The page says which results the run has not made yet. With
# --test-dir it also makes <exp-dir>/errors.html, a page of misclassified utterances with clips that can be played.
#
# Usage: steps/make_report.sh [options] <exp-dir>
#  e.g.: steps/make_report.sh --test-dir data/toy/test_none --train-dirs data/toy/embedded exp/toy
# Options:
#   --test-dir <data-dir>            all utterances that the run scored, with classes and recordings
#   --train-dirs "<data-dir> ..."    training data of its back ends
#   --audio none|worst|all           clips on the page of errors; worst, the default: of the most confident errors
#   --corpus "<name> ..."            the scored corpora (those that the results name); no clips are included if a licence
#                                    forbids passing them on
#   --row "<column>=<value> ..."     the row of the results that the page of errors shows; the best of several, by default
set -euo pipefail

test_dir=
train_dirs=
audio=worst
corpus=
row=

. utils/parse_options.sh
. ./path.sh
[ $# -eq 1 ] || { usage >&2; exit 1; }
exp=$1

[ -d "$exp" ] || die "no folder $exp; give that of a run, which ./run.sh makes"
if [ -n "$test_dir" ]; then
  python3 -m ser.bin.make_errors_page --audio "$audio" ${corpus:+"--corpus=$corpus"} \
    ${train_dirs:+"--train=$train_dirs"} ${row:+"--row=$row"} "$exp" "$test_dir"
fi
python3 -m ser.bin.make_report "$exp"
