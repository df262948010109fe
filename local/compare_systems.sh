#!/usr/bin/env bash
# Systems side by side on a corpus with folds of speakers: single ones, joined vectors and averaged scores, each with and
# without speaker normalisation, in its own classes and in others. What is chosen (layer, back end, what is joined) is
# chosen on some folds and reported on the others too.
#
# Pooled features of the speech, the floor of the table, are made here, and the layers of an audio encoder if one is
# given; the settings name the vectors of all systems, such as the embeddings that ./run.sh wrote.
#
# Usage: local/compare_systems.sh [options] <data-dir> <exp-dir>
#  e.g.: local/compare_systems.sh --encoder exp/yamnet data/ravdess exp/side_by_side
# Options: --cmd <wrapper>  --nj <n>  --num-threads <n>
#   --config <yaml>         what is compared, and on which folds choices are made
#   --label-maps "<map> ..."   of the classes of each table, which is named like the map; native.map is the corpus's own
#   --encoder <name of the Hub, or folder>  --layers "<layer> <layer> ..."
#   --systems "<name> ..."  only these of the settings
set -euo pipefail

cmd=utils/run.pl
nj=1
num_threads=1
config=conf/ravdess/side_by_side.yaml
label_maps="conf/emotions/collapsed5.map conf/emotions/native.map"
encoder=
layers="7 8 9"
systems=

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }
data=$1
exp=$2

[ -f "$data/utt2fold" ] || die "no $data/utt2fold; prepare the corpus with --folds"
[ -f "$data/feats.scp" ] || steps/make_mfcc_pitch.sh --nj "$nj" --cmd "$cmd" "$data"
[ -f "$data/vad.scp" ] || steps/compute_vad.sh --nj "$nj" --cmd "$cmd" "$data"
$cmd "$exp/log/pool.log" python3 -m ser.bin.pool_features "scp:$data/feats.scp" "scp:$data/vad.scp" \
  "ark,scp:$exp/pooled.ark,$exp/pooled.scp"
if [ -n "$encoder" ]; then
  for pool in mean mean_std; do
    steps/extract_audio_embeddings.sh --cmd "$cmd" --nj "$nj" --num-threads "$num_threads" --encoder "$encoder" \
      --layers "$layers" --pool "$pool" "$data" "$exp/encoder_$pool"
  done
fi
for map in $label_maps; do
  classes=$(basename "$map" .map)
  utils/apply_label_map.sh "$map" "$data" "$exp/data_$classes"
  $cmd "$exp/log/compare_$classes.log" python3 -m ser.bin.compare_systems --systems "$systems" "$config" \
    "$exp/data_$classes" "$exp/$classes"
  column -t -s "$(printf '\t')" "$exp/$classes/table.tsv"
done
