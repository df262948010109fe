#!/usr/bin/env bash
# Computes MFCC, and pitch beside it, for the utterances of a data dir; see steps/make_feats.sh.
#
# Usage: steps/make_mfcc_pitch.sh [options] <data-dir> [<log-dir> [<ark-dir>]]
#  e.g.: steps/make_mfcc_pitch.sh --nj 8 --cmd "$train_cmd" data/cremad exp/log/cremad mfcc
# Options: --nj <n>  --cmd <wrapper>  --mfcc-config <file>  --pitch-config <file, or none>  --compress true|false
#   --max-left-out <share of the utterances above which the step fails>
set -euo pipefail

nj=4
cmd=utils/run.pl
mfcc_config=conf/mfcc.conf
pitch_config=conf/pitch.conf     # none: MFCC alone
compress=true                    # one byte a number, as Kaldi's speech-feature compression
max_left_out=0.05

. utils/parse_options.sh
[[ $# -ge 1 && $# -le 3 ]] || { usage >&2; exit 1; }

features="--mfcc-config $mfcc_config"
[ "$pitch_config" = none ] || features+=" --pitch-config $pitch_config"
steps/make_feats.sh --nj "$nj" --cmd "$cmd" --features "$features" --compress "$compress" \
  --max-left-out "$max_left_out" mfcc_pitch "$@"
