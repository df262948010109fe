#!/usr/bin/env bash
# Makes a Kaldi data dir of VoxCeleb2; wav.scp reads its .m4a files through ffmpeg.
# Usage: local/prepare_voxceleb2.sh [options] <corpus-dir> <data-dir>
#  e.g.: local/prepare_voxceleb2.sh --part all --ffmpeg ffmpeg corpora/VoxCeleb2 data/voxceleb2
# Options:
#   --part dev|test|all   all by default: both parts are for training, as in Kaldi's recipe
#   --ffmpeg PROGRAM      its name or path

set -euo pipefail

part=all        # both parts train, as in Kaldi's recipe
ffmpeg=ffmpeg   # the program that decodes AAC

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.prepare_voxceleb2 --part "$part" --ffmpeg "$ffmpeg" "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") utterances"
