#!/usr/bin/env bash
# Makes a Kaldi data dir of CREMA-D. The label is what people heard, not what the actor was asked for.
# Usage: local/prepare_cremad.sh [options] <corpus-dir> <data-dir>
#  e.g.: local/prepare_cremad.sh --vote voice --ties drop --folds 5 corpora/CREMA-D data/cremad
# Options:
#   --vote voice|multimodal   votes of annotators who only heard the clip (default), or who heard and saw it
#   --ties drop|first|level   clips with tied votes: left out (default); the first emotion named; or the emotion with the
#                             highest mean level, as in system A's published code
#   --folds 5                 folds of actors, balanced by sex

set -euo pipefail

vote=voice      # the listeners' vote, as in system A's published code
ties=drop       # only clips that have one winner
folds=5         # folds of actors, balanced by sex

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.prepare_cremad --vote "$vote" --ties "$ties" --folds "$folds" "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") utterances"
