#!/usr/bin/env bash
# Makes a Kaldi data dir of IEMOCAP; folds are its sessions.
# Usage: local/prepare_iemocap.sh <corpus-dir> <data-dir>
#  e.g.: local/prepare_iemocap.sh corpora/IEMOCAP_full_release data/iemocap

set -euo pipefail

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.prepare_iemocap "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") utterances"
