#!/usr/bin/env bash
# Makes a Kaldi data dir of a part of LibriSpeech or mini LibriSpeech.
# Usage: local/prepare_librispeech.sh [options] <corpus-dir> <data-dir>
#  e.g.: local/prepare_librispeech.sh --part train-clean-5 corpora/LibriSpeech data/librispeech_train-clean-5
# Options:
#   --part train-clean-5   such as train-clean-100 or dev-clean-2

set -euo pipefail

part=train-clean-5   # of the corpus

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.prepare_librispeech --part "$part" "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") utterances"
