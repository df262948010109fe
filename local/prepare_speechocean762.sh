#!/usr/bin/env bash
# Makes a Kaldi data dir of a part of speechocean762.
# Usage: local/prepare_speechocean762.sh [options] <corpus-dir> <data-dir>
#  e.g.: local/prepare_speechocean762.sh --part train corpora/speechocean762 data/speechocean762_train
# Options:
#   --part train   train or test

set -euo pipefail

part=train   # of the corpus

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.prepare_speechocean762 --part "$part" "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") utterances"
