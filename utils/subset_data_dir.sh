#!/usr/bin/env bash
# Keeps the listed utterances of a data dir. --help lists the options.
set -euo pipefail
. ./path.sh
exec python3 -m ser.bin.subset_data_dir "$@"
