#!/usr/bin/env bash
# Trains an i-vector extractor on the features of a data dir (MFCC without mean normalisation): the feature transform, the
# UBM and the extractor. Writes files of Kaldi's formats to <extractor-dir>: final.ie, final.dubm, final.mat,
# global_cmvn.stats, and online.conf, which names the others.
#
# Usage: steps/train_ivector_extractor.sh [options] <data-dir or feats-rspecifier> <extractor-dir>
#  e.g.: steps/train_ivector_extractor.sh --config conf/asr_tdnn/ivector.yaml data/tedlium_hires exp/extractor
# Options: --cmd <wrapper>  --config <yaml>  --num-threads <n>
set -euo pipefail

cmd=utils/run.pl
config=conf/asr_tdnn/ivector.yaml
num_threads=1

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }
feats=$1
extractor=$2

if [[ "$feats" != scp:* ]]; then
  [ -f "$feats/feats.scp" ] || die "no $feats/feats.scp; run steps/make_mfcc_pitch.sh $feats"
  feats=scp:$feats/feats.scp
fi
for part in ubm ivector_extractor; do
  log "$extractor: training; progress in $extractor/log/train_$part.log"
  $cmd --num-threads "$num_threads" "$extractor/log/train_$part.log" \
    env OMP_NUM_THREADS="$num_threads" OPENBLAS_NUM_THREADS="$num_threads" \
    python3 -m "ser.bin.train_$part" --config "$config" --done "$extractor/train_$part.done" \
    "$feats" "$extractor"
done
log "$extractor: $(grep -v '^#' "$extractor/log/train_ivector_extractor.log" | tail -n 1)"
