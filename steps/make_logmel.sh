#!/usr/bin/env bash
# Computes librosa's log mel energies for the utterances of a data dir; see steps/make_feats.sh.
#
# Usage: steps/make_logmel.sh [options] <data-dir> [<log-dir> [<ark-dir>]]
#  e.g.: steps/make_logmel.sh --nj 8 --cmd "$train_cmd" data/iemocap
# Options: --nj <n>  --cmd <wrapper>  --config <yaml>  --compress true|false
#   --max-left-out <share of the utterances above which the step fails>
set -euo pipefail

nj=4
cmd=utils/run.pl
config=conf/vgg_bert/logmel.yaml
compress=true       # one byte a number, as Kaldi's speech-feature compression
max_left_out=0.05

. utils/parse_options.sh
[[ $# -ge 1 && $# -le 3 ]] || { usage >&2; exit 1; }

steps/make_feats.sh --nj "$nj" --cmd "$cmd" --features "--logmel-config $config" --compress "$compress" \
  --max-left-out "$max_left_out" logmel "$@"
