#!/usr/bin/env bash
# Makes a Kaldi data dir of VoxCeleb1, in any of its layouts.
# Usage: local/prepare_voxceleb1.sh [options] <corpus-dir> <data-dir>
#  e.g.: local/prepare_voxceleb1.sh --part dev corpora/VoxCeleb1 data/voxceleb1
# Options:
#   --part dev|test|all   dev (default): the training speakers; test: the speakers of the verification trials

set -euo pipefail

part=dev        # the part that x-vector nets are trained on; test is for their speaker-verification figure

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.prepare_voxceleb1 --part "$part" "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") utterances"
