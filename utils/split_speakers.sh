#!/usr/bin/env bash
# Splits a data dir into the utterances of listed speakers and those of all others.
#
# Usage: utils/split_speakers.sh <speakers> <data-in> <data-listed> <data-others>
#  e.g.: utils/split_speakers.sh test_speakers data/all data/test data/train
# The list may name a speaker without the prefix that the data dir has (0036 for so0036).
set -euo pipefail

. utils/parse_options.sh
. ./path.sh
[ $# -eq 4 ] || { usage >&2; exit 1; }

awk 'NR == FNR { listed[$1]; next } { bare = $2; sub(/^[a-z]+/, "", bare); if ($2 in listed || bare in listed) print $1 }' \
  "$1" "$2/utt2spk" > "$2/listed_utts"
[ -s "$2/listed_utts" ] || die "no speaker of $1 is in $2/utt2spk"
awk 'NR == FNR { listed[$1]; next } !($1 in listed) { print $1 }' "$2/listed_utts" "$2/utt2spk" > "$2/other_utts"
[ -s "$2/other_utts" ] || die "all speakers of $2/utt2spk are in $1"
utils/subset_data_dir.sh "$2" "$2/listed_utts" "$3"
utils/subset_data_dir.sh "$2" "$2/other_utts" "$4"
