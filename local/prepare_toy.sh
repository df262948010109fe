#!/usr/bin/env bash
# Writes tiny synthetic corpora in the real corpora's layouts and label formats, so that the same
# local/prepare_<corpus>.sh run on them: VoxCeleb1, CREMA-D, IEMOCAP_full_release, dailydialog, ravdess, musan,
# RIRS_NOISES and TEDLIUM_release2. The same seed and sizes always give the same bits; existing corpora are kept.
#
# Usage: local/prepare_toy.sh [options] <out-dir>
# For example: local/prepare_toy.sh --seed 2 data/toy/corpora
#
# Options:
#   --config FILE   sizes and seed (conf/toy/corpora.yaml)
#   --seed N        in place of the config's seed
set -euo pipefail

config=conf/toy/corpora.yaml  # sizes of the corpora and the seed of all that is random
seed=                         # in place of the config's seed

. utils/parse_options.sh
. ./path.sh
[ $# -eq 1 ] || { usage >&2; exit 1; }

python3 -m ser.bin.make_toy_corpora --config "$config" ${seed:+--seed "$seed"} "$1"
