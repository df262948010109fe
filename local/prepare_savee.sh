#!/usr/bin/env bash
# Makes a Kaldi data dir of SAVEE. The release has no transcripts; they are read from a file transcripts.txt in its
# folder, with lines 'DC_a01 <words>', if there is one.
# Usage: local/prepare_savee.sh [options] <corpus-dir> <data-dir>
#  e.g.: local/prepare_savee.sh --transcripts savee.txt corpora/SAVEE data/savee
# Options:
#   --folds 4|emobox        folds of one speaker each; emobox: in the order of EmoBox's published figures
#   --transcripts <file>    lines 'DC_a01 <words>'

set -euo pipefail

folds=4         # there are 4 speakers
transcripts=

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }
if [ -z "$transcripts" ] && [ -f "$1/transcripts.txt" ]; then transcripts=$1/transcripts.txt; fi

python3 -m ser.bin.prepare_savee --folds "$folds" ${transcripts:+--transcripts "$transcripts"} "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") utterances"
