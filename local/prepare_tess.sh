#!/usr/bin/env bash
# Makes a Kaldi data dir of TESS: two actresses; folds are of speakers, balanced in emotions and sex.
# Usage: local/prepare_tess.sh [options] <corpus-dir> <data-dir>
#  e.g.: local/prepare_tess.sh --folds 2 corpora/TESS data/tess
# Options:
#   --folds 2   folds of speakers

set -euo pipefail

folds=2         # folds of speakers: there are two

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.prepare_corpus --folds "$folds" tess "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") utterances"
