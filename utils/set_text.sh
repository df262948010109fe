#!/usr/bin/env bash
# Copies a data dir with other words: gold, none, shuffled, or of a file of transcripts. --help lists the options.
set -euo pipefail
. ./path.sh
exec python3 -m ser.bin.set_text "$@"
