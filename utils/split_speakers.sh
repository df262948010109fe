#!/usr/bin/env bash
# Splits a data dir into the utterances of listed speakers and those of all others.
#
# Usage: utils/split_speakers.sh <speakers> <data-in> <data-listed> <data-others>
#  e.g.: utils/split_speakers.sh test_speakers data/all data/test data/train
# The list may name a speaker without the prefix that the data dir has (0036 for so0036).
set -euo pipefail

. utils/parse_options.sh
. ./path.sh
[ $# -eq 4 ] || { usage >&2; exit 1; }

python3 -m ser.bin.split_speakers "$1" "$2" "$3" "$4"
