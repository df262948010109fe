#!/usr/bin/env bash
# Makes a Kaldi data dir of ESD: English and Mandarin, acted; folds are of speakers, balanced in emotions and sex.
# Usage: local/prepare_esd.sh [options] <corpus-dir> <data-dir>
#  e.g.: local/prepare_esd.sh --folds 5 --language english corpora/ESD data/esd
# Options:
#   --folds 5                         folds of speakers
#   --language all|english|mandarin   which of its speakers (all)

set -euo pipefail

folds=5         # folds of speakers
language=all    # which of its speakers

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.prepare_corpus --folds "$folds" --language "$language" esd "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") utterances"
