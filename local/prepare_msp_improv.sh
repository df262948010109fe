#!/usr/bin/env bash
# Makes a Kaldi data dir of MSP-IMPROV; folds are its six sessions.
# Usage: local/prepare_msp_improv.sh <corpus-dir> <data-dir>
#  e.g.: local/prepare_msp_improv.sh corpora/MSP-IMPROV data/msp_improv

set -euo pipefail

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.prepare_msp_improv "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") utterances"
