#!/usr/bin/env bash
# Makes a Kaldi data dir of MUSAN: music, noise and speech to add to recordings.
# Usage: local/prepare_musan.sh <corpus-dir> <data-dir>
#  e.g.: local/prepare_musan.sh corpora/musan data/musan

set -euo pipefail

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.prepare_musan "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") utterances"
