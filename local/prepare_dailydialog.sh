#!/usr/bin/env bash
# Makes a Kaldi data dir of DailyDialog, which is text only: no wav.scp.
# Usage: local/prepare_dailydialog.sh [options] <corpus-dir> <data-dir>
#  e.g.: local/prepare_dailydialog.sh --part all corpora/dailydialog data/dailydialog
# Options:
#   --part train|validation|test|all   all by default; utt2part has the part of each utterance, if the corpus has parts

set -euo pipefail

part=all        # all parts; utt2part says which

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.prepare_dailydialog --part "$part" "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") utterances"
