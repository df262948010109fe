#!/usr/bin/env bash
# Tests speaker verification with the embeddings of a net, by LDA-PLDA and by cosine: trained on the speakers of one data
# dir, tested on those of another. Do not fine-tune a net on emotion if it was pretrained on speakers and fails here.
# Writes <out-dir>/verification.tsv and prints it.
#
# Usage: steps/score_speakers.sh [options] <model-dir> <train-data-dir> <test-data-dir> <out-dir>
#  e.g.: steps/score_speakers.sh exp/pretrain_none data/voxceleb1_no_sil data/voxceleb1_test_no_sil exp/verification
# Options: --nj <n>  --cmd <wrapper>  --layer <layer> (tdnn6)  --config <yaml of the back ends>
#   --trials <list in VoxCeleb's format>   trials; without it, every pair of two test utterances is one
set -euo pipefail

nj=4
cmd=utils/run.pl
layer=tdnn6
config=conf/speaker_backend.yaml
trials=

. utils/parse_options.sh
. ./path.sh
[ $# -eq 4 ] || { usage >&2; exit 1; }
model=$1
train=$2
test=$3
out=$4

[ -z "$trials" ] || [ -f "$trials" ] || die "no $trials; give --trials a list of trials, or leave it out"
for part in train test; do
  steps/extract_embeddings.sh --nj "$nj" --cmd "$cmd" --layers "$layer" "$model" "${!part}" "$out/$part"
done
$cmd "$out/log/score.log" \
  python3 -m ser.bin.score_speakers --config "$config" ${trials:+--trials "$trials"} \
  "$train/utt2spk" "scp:$out/train/$layer.scp" "$test/utt2spk" "scp:$out/test/$layer.scp" "$out/verification.tsv"
log "$out/verification.tsv:"
column -t "$out/verification.tsv" >&2
