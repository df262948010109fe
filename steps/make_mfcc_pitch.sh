#!/usr/bin/env bash
# Computes MFCC, with pitch appended, for the utterances of a data dir; steps/make_feats.sh describes what it reads and
# writes.
#
# Usage: steps/make_mfcc_pitch.sh [options] <data-dir> [<log-dir> [<ark-dir>]]
#  e.g.: steps/make_mfcc_pitch.sh --nj 8 --cmd "$train_cmd" data/cremad exp/log/cremad mfcc
# Options: --nj <n>  --cmd <wrapper>  --mfcc-config <file>  --pitch-config <file, or none>  --compress true|false
#   --max-left-out <share of the utterances above which the step fails>
set -euo pipefail

mfcc_config=conf/mfcc.conf
pitch_config=conf/pitch.conf     # none: MFCC alone

. steps/make_feats.sh

pitch=()
[ "$pitch_config" = none ] || pitch=(--pitch-config "$pitch_config")
make_feats mfcc_pitch --mfcc-config "$mfcc_config" "${pitch[@]}"
