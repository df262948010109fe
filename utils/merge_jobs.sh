#!/usr/bin/env bash
# Merges what the jobs of a step wrote into the data dir. --help lists the options.
set -euo pipefail
. ./path.sh
exec python3 -m ser.bin.merge_jobs "$@"
