#!/usr/bin/env bash
# Makes a Kaldi data dir of ShEMO: Persian, from radio plays; folds are of speakers, balanced in emotions and sex.
# Usage: local/prepare_shemo.sh [options] <corpus-dir> <data-dir>
#  e.g.: local/prepare_shemo.sh --folds 5 corpora/ShEMO data/shemo
# Options:
#   --folds 5   folds of speakers

set -euo pipefail

folds=5         # folds of speakers

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.prepare_corpus --folds "$folds" shemo "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") utterances"
