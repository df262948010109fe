#!/usr/bin/env bash
# Makes a Kaldi data dir of RIRS_NOISES: simulated impulse responses of small and medium rooms.
# Usage: local/prepare_rirs_noises.sh <corpus-dir> <data-dir>
#  e.g.: local/prepare_rirs_noises.sh corpora/RIRS_NOISES data/rirs

set -euo pipefail

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.prepare_rirs_noises "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") utterances"
