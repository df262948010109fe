#!/usr/bin/env bash
# A check of a net that was pretrained on VoxCeleb's speakers: speaker verification on VoxCeleb1-O, with the trials of the
# paper (veri_test.txt) and the cleaned ones (veri_test2.txt), whichever the corpus folder has.
# Kaldi's x-vector net of egs/voxceleb/v2 has an EER of 3.13 % with PLDA (its RESULTS); docs/systems.md A.2 has others.
#
# Usage: local/score_voxceleb.sh [options] <voxceleb1-dir> <model-dir> <train-data-dir> <data-dir> \
#          <data-dir-no-sil> <out-dir>
#  e.g.: local/score_voxceleb.sh corpora/VoxCeleb1 exp/pretrain_none data/voxceleb1_no_sil data/voxceleb1_test \
#          data/voxceleb1_test_no_sil exp/verification
#   <train-data-dir> has features without silence of the speakers that the back ends are trained on. <data-dir> is made
#   from the test part, and <data-dir-no-sil> from it without silence.
# Options: --nj <n>  --cmd <wrapper>  --layer <layer> (tdnn6)
#   --speaker-cmvn true|false   how <train-data-dir> was normalised, see steps/prepare_feats.sh (false)
set -euo pipefail

nj=4
cmd=utils/run.pl
layer=tdnn6
speaker_cmvn=false

. utils/parse_options.sh
. ./path.sh
[ $# -eq 6 ] || { usage >&2; exit 1; }
corpus=$1
model=$2
train=$3
data=$4
no_sil=$5
out=$6

lists=$(for name in veri_test.txt veri_test2.txt; do [ ! -f "$corpus/$name" ] || echo "$corpus/$name"; done)
[ -n "$lists" ] || die "no veri_test.txt and no veri_test2.txt in $corpus; put VoxCeleb1's lists of trials there"
local/prepare_voxceleb1.sh --part test "$corpus" "$data"
steps/make_mfcc_pitch.sh --nj "$nj" --cmd "$cmd" "$data"
steps/compute_vad.sh --nj "$nj" --cmd "$cmd" "$data"
steps/prepare_feats.sh --nj "$nj" --cmd "$cmd" --speaker-cmvn "$speaker_cmvn" "$data" "$no_sil"
for list in $lists; do
  name=$(basename "$list" .txt)
  steps/score_speakers.sh --nj "$nj" --cmd "$cmd" --layer "$layer" --trials "$list" \
    "$model" "$train" "$no_sil" "$out/$name"
done
log "$0: Kaldi's x-vector net has an EER of 3.13 with PLDA"
