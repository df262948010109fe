#!/usr/bin/env bash
# Makes a Kaldi data dir of CaFE: Canadian French, acted; folds are of speakers, balanced in emotions and sex.
# Usage: local/prepare_cafe.sh [options] <corpus-dir> <data-dir>
#  e.g.: local/prepare_cafe.sh --folds 6 corpora/CaFE data/cafe
# Options:
#   --folds 6   folds of speakers

set -euo pipefail

folds=6         # folds of speakers, a man and a woman each

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.prepare_corpus --folds "$folds" cafe "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") utterances"
