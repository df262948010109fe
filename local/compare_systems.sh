#!/usr/bin/env bash
# Compares systems on a corpus with speaker folds: single systems, concatenated vectors and averaged scores, each with and
# without speaker normalisation, in one table for each label map. Layer, back end and the systems to combine are chosen on
# some folds; results are given for the other folds too.
#
# Pooled features of the speech, which are the baseline, are computed here, and so are the layers of an audio encoder if
# one is given. The settings name the vectors of the other systems, such as the embeddings that ./run.sh wrote.
#
# Usage: local/compare_systems.sh [options] <data-dir> <exp-dir>
#  e.g.: local/compare_systems.sh --encoder exp/yamnet data/ravdess exp/side_by_side
# Options: --cmd <wrapper>  --nj <n>  --num-threads <n>
#   --config <yaml>         which systems are compared, and on which folds choices are made
#   --label-maps "<map> ..."   a table is made for each map and named after it; native.map has the corpus's own classes
#   --encoder <name on the Hub, or folder>  --layers "<layer> <layer> ..."
#   --systems "<name> ..."  compare only these systems of the settings
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
