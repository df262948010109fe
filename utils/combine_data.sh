#!/usr/bin/env bash
# Combines data dirs into one. --help lists the options.
set -euo pipefail
. ./path.sh
exec python3 -m ser.bin.combine_data_dirs "$@"
