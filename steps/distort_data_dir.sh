#!/usr/bin/env bash
# Makes a data dir of distorted copies of each utterance: with white noise, with another pitch or tempo, shifted in time.
#
# --seed and the id of a copy decide how it is distorted; utt2augment records this, and make_features distorts the
# original's waveform accordingly. Copies are called <utt>-<kind>, and utt2uniq names the original. Split the data
# first, and distort only the training part.
#
# Usage: steps/distort_data_dir.sh [options] <data-in> <data-out>
#  e.g.: steps/distort_data_dir.sh --kinds "white pitch" data/iemocap_train data/iemocap_train_copies
# Options: --kinds "<kind> ..."  --seed <n>
set -euo pipefail

kinds="white pitch stretch shift"
seed=1

. utils/parse_options.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }
. ./path.sh

python3 -m ser.bin.distort_data_dir --kinds "$kinds" --seed "$seed" "$1" "$2"
log "$(basename "$2"): $(wc -l < "$2/utt2spk") copies of the utterances of $1: $kinds"
