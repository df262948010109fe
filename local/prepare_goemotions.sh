#!/usr/bin/env bash
# Makes a Kaldi data dir of GoEmotions: text only; utt2labels has one or more labels per comment.
# Usage: local/prepare_goemotions.sh [options] <corpus-dir> <data-dir>
#  e.g.: local/prepare_goemotions.sh --part dev corpora/goemotions data/goemotions_dev
# Options:
#   --part train|dev|test|all   all by default; utt2part has the part of each comment

set -euo pipefail

part=all        # all parts; utt2part says which

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.prepare_goemotions --part "$part" "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") comments"
