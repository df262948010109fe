#!/usr/bin/env bash
# Makes a data dir with copies of another one's utterances, played faster or slower: tempo, pitch and formants change.
#
# Copies are called <utt>-speed<factor>, and utt2uniq names the original. Their recordings are written to <data-out>/wav.
# Features and voice activity must be computed for them, since their frames differ from the original's.
#
# Usage: steps/perturb_speed.sh [options] <factor> <data-in> <data-out>
#  e.g.: steps/perturb_speed.sh 0.9 data/ravdess data/ravdess_speed0.9
# Options: --cmd <wrapper>  --sample-rate <Hz>
set -euo pipefail

cmd=utils/run.pl
sample_rate=16000     # of the originals, before the change; others are resampled to it

. utils/parse_options.sh
. ./path.sh
[ $# -eq 3 ] || { usage >&2; exit 1; }

$cmd "$3/log/perturb_speed.log" \
  python3 -m ser.bin.perturb_speed --factor "$1" --sample-rate "$sample_rate" "$2" "$3"
log "$(basename "$3"): $(wc -l < "$3/utt2spk") utterances of $2 at $1 times the speed"
