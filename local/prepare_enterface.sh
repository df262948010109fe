#!/usr/bin/env bash
# Makes a Kaldi data dir of eNTERFACE'05, whose films ffmpeg decodes; folds are of speakers, balanced in emotions and sex.
# Usage: local/prepare_enterface.sh [options] <corpus-dir> <data-dir>
#  e.g.: local/prepare_enterface.sh --folds 6 corpora/eNTERFACE05 data/enterface
# Options:
#   --folds 6   folds of speakers

set -euo pipefail

folds=6         # folds of speakers

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.prepare_corpus --folds "$folds" enterface "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") utterances"
