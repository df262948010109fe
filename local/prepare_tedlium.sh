#!/usr/bin/env bash
# Makes a Kaldi data dir of a part of TED-LIUM 2.
# Usage: local/prepare_tedlium.sh [options] <corpus-dir> <data-dir>
#  e.g.: local/prepare_tedlium.sh --part train corpora/TEDLIUM_release2 data/tedlium_train
# Options:
#   --part train   train, dev or test

set -euo pipefail

part=train   # of the corpus

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.prepare_tedlium --part "$part" "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") utterances"
