#!/usr/bin/env bash
# Makes a Kaldi data dir of one or more parts of LibriSpeech or mini LibriSpeech.
# Usage: local/prepare_librispeech.sh [options] <corpus-dir> <data-dir>
#  e.g.: local/prepare_librispeech.sh --part train-clean-5 corpora/LibriSpeech data/librispeech_train-clean-5
# Options:
#   --part "<name> ..."   such as dev-clean-2, or "train-clean-100 train-clean-360 train-other-500" (train-clean-5)

set -euo pipefail

part=train-clean-5

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.prepare_librispeech --part "$part" "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") utterances"
