#!/usr/bin/env bash
# Makes a Kaldi data dir of MELD: its transcripts and, if the clips are there, its audio, which ffmpeg decodes. There are
# no folds. MELD's own parts share speakers; a warning says so.
# Usage: local/prepare_meld.sh [options] <corpus-dir> <data-dir>
#  e.g.: local/prepare_meld.sh corpora/MELD.Raw data/meld
# Options:
#   --part all|train|validation|test   (all)
#   --audio auto|true|false            whether the clips are read (auto: where they are); false: words only

set -euo pipefail

part=all        # all three parts; utt2part says which
audio=auto      # the films are a download of their own

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.prepare_meld --part "$part" --audio "$audio" "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") utterances"
