#!/usr/bin/env bash
# Keeps the utterances of a data dir that all of its tables have. --help lists the options.
set -euo pipefail
. ./path.sh
exec python3 -m ser.bin.fix_data_dir "$@"
