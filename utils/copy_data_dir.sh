#!/usr/bin/env bash
# Copies the tables of a data dir. --help lists the options.
set -euo pipefail
. ./path.sh
exec python3 -m ser.bin.copy_data_dir "$@"
