#!/usr/bin/env bash
# Makes the training data of a recogniser: the utterances and copies with other speeds, each at a random volume.
#
# The copies are called <utt>-speed<factor>, and utt2uniq names the original. Volumes are drawn from 0.125 to 2 as in
# Kaldi's perturb_data_dir_volume.sh; they are applied when features are computed.
#
# Usage: steps/copy_speech.sh [options] <data-dir> <data-out>
#  e.g.: steps/copy_speech.sh --speeds "0.9 1.1" data/tedlium_train data/tedlium_train_copies
# Options: --cmd <wrapper>  --nj <n>  --speeds "<factor> ..."  --mfcc-config <file>  --seed <n>
set -euo pipefail

cmd=utils/run.pl
nj=4
speeds="0.9 1.1"
mfcc_config=conf/asr_tdnn/mfcc.conf
seed=0

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }
data=$1
out=$2

copies=()
for speed in $speeds; do
  steps/perturb_speed.sh --cmd "$cmd" "$speed" "$data" "${out}_speed$speed"
  steps/make_mfcc_pitch.sh --nj "$nj" --cmd "$cmd" --mfcc-config "$mfcc_config" --pitch-config none "${out}_speed$speed"
  copies+=("${out}_speed$speed")
done
if [ ${#copies[@]} -gt 0 ]; then
  utils/combine_data.sh "$out" "$data" "${copies[@]}"
else
  utils/copy_data_dir.sh "$data" "$out"
fi
bins=$(sed -n 's/^--num-mel-bins=//p' "$mfcc_config")
mkdir -p "$out/volume"
mv "$out/feats.scp" "$out/volume/before.scp"
$cmd "$out/log/perturb_volume.log" \
  python3 -m ser.bin.perturb_volume --num-mel-bins "${bins:-23}" --seed "$seed" \
  "scp:$out/volume/before.scp" "ark,scp:$out/volume/feats.ark,$out/volume/feats.scp"
cp "$out/volume/feats.scp" "$out/feats.scp"
log "$out: $(wc -l < "$out/feats.scp") utterances, each at a random volume"
