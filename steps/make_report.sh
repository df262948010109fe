#!/usr/bin/env bash
# Makes the report of a run: <exp-dir>/report.html, one page that opens from disk and needs no network, and its
# pictures as PNG with their numbers as TSV in <exp-dir>/figures. What the run has not made yet, the page names.
# With --test-dir also <exp-dir>/errors.html: the mistakes, with clips that can be heard.
#
# Usage: steps/make_report.sh [options] <exp-dir>
#  e.g.: steps/make_report.sh --test-dir data/toy/test_none --train-dirs data/toy/embedded exp/toy
# Options:
#   --test-dir <data-dir>            of all that the run scored: classes and recordings
#   --train-dirs "<data-dir> ..."    of what its back ends were trained on
#   --audio none|worst|all           clips on the page of errors: of the most confident mistakes by default
#   --corpus <name>                  of the test corpus: clips of one that may not be passed on are left out
set -euo pipefail

test_dir=
train_dirs=
audio=worst
corpus=

. utils/parse_options.sh
. ./path.sh
[ $# -eq 1 ] || { usage >&2; exit 1; }
exp=$1

[ -d "$exp" ] || die "no folder $exp; give that of a run, which ./run.sh makes"
if [ -n "$test_dir" ] && [ -s "$exp/cells/list" ]; then
  python3 -m ser.bin.make_errors_page --audio "$audio" ${corpus:+"--corpus=$corpus"} \
    ${train_dirs:+"--train=$train_dirs"} "$exp" "$test_dir"
fi
python3 -m ser.bin.make_report "$exp"
