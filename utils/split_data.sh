#!/usr/bin/env bash
# Splits a data dir into <data-dir>/split<n>/1 ... <n>. --help lists the options.
set -euo pipefail
. ./path.sh
exec python3 -m ser.bin.split_data_dir "$@"
