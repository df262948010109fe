#!/usr/bin/env bash
# Checks a data dir, and names the file and line of the first fault. --help lists the options.
set -euo pipefail
. ./path.sh
exec python3 -m ser.bin.validate_data_dir "$@"
