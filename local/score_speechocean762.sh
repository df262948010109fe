#!/usr/bin/env bash
# A check of x-vector training on real speakers, for those who do not have VoxCeleb: an x-vector net is trained on the
# speakers of speechocean762, and tested by speaker verification on speakers that no net or back end was trained on.
#
# Usage: local/score_speechocean762.sh [options] <corpus-dir> <list of the speakers to score> <data-dir> <exp-dir>
#  e.g.: local/score_speechocean762.sh corpora/speechocean762 conf/speechocean762_test_speakers data/speakers \
#          exp/speakers
# Options: --nj <n>  --cmd <wrapper>  --config <yaml of the net> (conf/ravdess/xvector_pretrain.yaml)
#   --layers "<layer> ..." ("tdnn6 tdnn7")  --num-threads <n of the training> (1)
# It writes <exp-dir>/pretrain, a net for steps/train_xvector.sh --init-model, and <exp-dir>/<layer>/verification.tsv.
set -euo pipefail
cd "$(dirname "$0")/.."

nj=4
cmd=utils/run.pl
config=conf/ravdess/xvector_pretrain.yaml
layers="tdnn6 tdnn7"
num_threads=1

. utils/parse_options.sh
. ./path.sh
[ $# -eq 4 ] || { usage >&2; exit 1; }
corpus=$1
speakers=$2
data=$3
exp=$4

[ -s "$speakers" ] || die "no list $speakers; give the speakers to score, one per line"
local/prepare_speechocean762.sh --part train "$corpus" "$data/all"
steps/make_mfcc_pitch.sh --nj "$nj" --cmd "$cmd" "$data/all"
steps/compute_vad.sh --nj "$nj" --cmd "$cmd" "$data/all"
steps/prepare_feats.sh --nj "$nj" --cmd "$cmd" "$data/all" "$data/all_no_sil"
utils/split_speakers.sh "$speakers" "$data/all_no_sil" "$data/test" "$data/train"
steps/train_xvector.sh --cmd "$cmd" --num-threads "$num_threads" --config "$config" \
  "$data/train" "$data/train/utt2spk" "$exp/pretrain"
for layer in $layers; do
  steps/score_speakers.sh --nj "$nj" --cmd "$cmd" --layer "$layer" \
    "$exp/pretrain" "$data/train" "$data/test" "$exp/$layer"
done
