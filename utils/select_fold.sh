#!/usr/bin/env bash
# Keeps the training or the test part of one fold of a data dir, by its utt2fold. --help lists the options.
set -euo pipefail
. ./path.sh
exec python3 -m ser.bin.select_fold "$@"
