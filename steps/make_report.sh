#!/usr/bin/env bash
# Makes the report of a run: <exp-dir>/report.html, one page that opens from disk and needs no network, and its
# pictures as PNG with their numbers as TSV in <exp-dir>/figures. What the run has not made yet, the page names.
#
# Usage: steps/make_report.sh <exp-dir>
#  e.g.: steps/make_report.sh exp/toy
set -euo pipefail

. utils/parse_options.sh
. ./path.sh
[ $# -eq 1 ] || { usage >&2; exit 1; }
exp=$1

[ -d "$exp" ] || die "no folder $exp; give that of a run, which ./run.sh makes"
python3 -m ser.bin.make_report "$exp"
