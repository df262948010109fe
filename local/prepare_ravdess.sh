#!/usr/bin/env bash
# Makes a Kaldi data dir of RAVDESS: its spoken audio clips, WAV or FLAC.
# Usage: local/prepare_ravdess.sh [options] <corpus-dir> <data-dir>
#  e.g.: local/prepare_ravdess.sh --folds 6 corpora/ravdess data/ravdess
# Options:
#   --folds 6|emobox   folds of actors, balanced by sex; emobox: the folds behind EmoBox's published figures

set -euo pipefail

folds=6         # folds of actors, balanced by sex: 4 actors each of the 24

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.prepare_ravdess --folds "$folds" "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") utterances"
