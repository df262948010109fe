#!/usr/bin/env bash
# Trains an i-vector extractor and the background model before it.
#
# Usage: steps/train_ivector.sh [options] <feats-rspecifier> <dir>
#  e.g.: steps/train_ivector.sh scp:data/tedlium_train_copies/feats.scp exp/extractor
# Options: --cmd <wrapper>  --config <yaml>
set -euo pipefail

cmd=utils/run.pl
config=conf/asr_tdnn/ivector.yaml

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

mkdir -p "$2"
$cmd "$2/log/train_ubm.log" \
  python3 -m ser.bin.train_ubm --config "$config" --done "$2/log/ubm.done" "$1" "$2"
$cmd "$2/log/train_extractor.log" \
  python3 -m ser.bin.train_ivector_extractor --config "$config" --done "$2/log/extractor.done" "$1" "$2"
log "$2: i-vector extractor"
