#!/usr/bin/env bash
# Makes a Kaldi data dir of EMOVO: Italian, acted; folds are of speakers, balanced in emotions and sex.
# Usage: local/prepare_emovo.sh [options] <corpus-dir> <data-dir>
#  e.g.: local/prepare_emovo.sh --folds 3 corpora/EMOVO data/emovo
# Options:
#   --folds 3   folds of speakers

set -euo pipefail

folds=3         # folds of speakers, a man and a woman each

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.prepare_corpus --folds "$folds" emovo "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") utterances"
