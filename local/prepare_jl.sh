#!/usr/bin/env bash
# Makes a Kaldi data dir of JL-Corpus: New Zealand English, acted; folds are of speakers, balanced in emotions and sex.
# Usage: local/prepare_jl.sh [options] <corpus-dir> <data-dir>
#  e.g.: local/prepare_jl.sh --folds 4 corpora/JL-Corpus data/jl
# Options:
#   --folds 4   folds of speakers

set -euo pipefail

folds=4         # folds of speakers: there are four

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.prepare_corpus --folds "$folds" jl "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") utterances"
