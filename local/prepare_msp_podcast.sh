#!/usr/bin/env bash
# Makes a Kaldi data dir of MSP-Podcast. Each turn of an unknown speaker counts as a further speaker.
# Usage: local/prepare_msp_podcast.sh [options] <corpus-dir> <data-dir>
#  e.g.: local/prepare_msp_podcast.sh --part train corpora/MSP-Podcast data/msp_podcast
# Options:
#   --part all|train|validation|test1|test2|test3   (all)
#   --folds 5                                       folds of speakers; 0: none, its own parts are in utt2part

set -euo pipefail

part=all        # all that have published labels
folds=5         # folds of speakers

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.prepare_msp_podcast --part "$part" --folds "$folds" "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") utterances"
