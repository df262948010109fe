#!/usr/bin/env bash
# Computes librosa's log-mel energies for the utterances of a data dir; steps/make_feats.sh describes what it reads and
# writes.
#
# Usage: steps/make_logmel.sh [options] <data-dir> [<log-dir> [<ark-dir>]]
#  e.g.: steps/make_logmel.sh --nj 8 --cmd "$train_cmd" data/iemocap
# Options: --nj <n>  --cmd <wrapper>  --config <yaml>  --compress true|false
#   --max-left-out <share of the utterances above which the step fails>
set -euo pipefail

config=conf/vgg_bert/logmel.yaml

. steps/make_feats.sh

make_feats logmel --logmel-config "$config"
