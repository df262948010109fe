#!/usr/bin/env bash
# Copies a data dir with its emotions (utt2emo) mapped to the classes of a system.
# Usage: utils/apply_label_map.sh <map> <data-in> <data-out>
#  e.g.: utils/apply_label_map.sh conf/emotions/collapsed5.map data/iemocap data/iemocap_collapsed5
# Utterances whose emotion the map does not list are left out, and counted.

set -euo pipefail

. utils/parse_options.sh
. ./path.sh
[ $# -eq 3 ] || { usage >&2; exit 1; }

python3 -m ser.bin.apply_label_map "$1" "$2" "$3"
log "$0: made $3 of $(wc -l <"$3/utt2spk") of the $(wc -l <"$2/utt2spk") utterances"
