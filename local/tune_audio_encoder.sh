#!/usr/bin/env bash
# Fine-tunes an audio encoder on a corpus with speaker folds: one model for each fold, trained on the other folds. A fold's
# own speakers are only tested; no epoch is chosen by them.
#
# For each fold, <exp-dir>/<fold> is the model, <exp-dir>/cells/<fold> has the results of its class probabilities, and,
# with --layers, <exp-dir>/embeddings_<fold>/<layer>.scp has embeddings of the whole corpus, which ser.bin.compare_systems
# and system A's back end take. <exp-dir>/results.tsv is the table.
#
# Usage: local/tune_audio_encoder.sh [options] <data-dir> <exp-dir>
#  e.g.: local/tune_audio_encoder.sh --encoder exp/yamnet --config conf/ravdess/audio_encoder.yaml data/ravdess exp/tuned
# Options: --cmd <wrapper>  --nj <n>  --num-threads <n>
#   --encoder <name on the Hub, or folder; empty: the config's>  --config <yaml>  --seed <n>
#   --label-map <map>     maps the corpus's labels to the classes (conf/emotions/native.map)
#   --speeds "<factor> ..."   speeds of further training copies: "0.9 1.1"; "" for none
#   --layers "<layer> ..."    layers of the tuned encoder whose embeddings are written; "" for none
#   --pools "mean mean_std"   pooling of the embeddings; those of mean_std are in embeddings_<fold>_mean_std (mean)
#   --folds "<fold> ..."  only these folds
set -euo pipefail
cd "$(dirname "$0")/.."

cmd=utils/run.pl
nj=1
num_threads=1
encoder=
config=conf/audio_encoder.yaml
seed=0
label_map=conf/emotions/native.map
speeds=
layers=
pools=mean
folds=

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }
data=$1
exp=$2

[ -f "$data/utt2fold" ] || die "no $data/utt2fold; prepare the corpus with --folds"
all=$(awk '{ print $2 }' "$data/utt2fold" | sort -u)
corpus=$(basename "$data")
utils/apply_label_map.sh "$label_map" "$data" "$exp/data/all"
awk '{ print $2, $2 }' "$exp/data/all/utt2emo" | sort -u > "$exp/data/classes.map"
for factor in $speeds; do steps/perturb_speed.sh --cmd "$cmd" "$factor" "$exp/data/all" "$exp/data/speed$factor"; done

cells=()
for fold in ${folds:-$all}; do
  for part in train test; do utils/select_fold.sh --part "$part" "$fold" "$exp/data/all" "$exp/data/${part}_$fold"; done
  training=$exp/data/train_$fold
  if [ -n "$speeds" ]; then
    copies=()
    for factor in $speeds; do
      utils/select_fold.sh --part train "$fold" "$exp/data/speed$factor" "$exp/data/speed${factor}_$fold"
      copies+=("$exp/data/speed${factor}_$fold")
    done
    training=$exp/data/train_${fold}_speeds
    utils/combine_data.sh "$training" "$exp/data/train_$fold" "${copies[@]}"
  fi
  steps/train_audio_encoder.sh --cmd "$cmd" --num-threads "$num_threads" --encoder "$encoder" --config "$config" \
    --label-map "$exp/data/classes.map" --settings "fit.seed=$seed" --test-data "$exp/data/test_$fold" "$training" "$exp/$fold"
  python3 -m ser.bin.evaluate_posteriors --system audio_encoder --train "$corpus" --test "$corpus" --fold "$fold" \
    --seed "$seed" --layer tuned --modality speech "$exp/$fold/classes.txt" "$exp/data/test_$fold" \
    "scp:$exp/$fold/posteriors.scp" "$exp/cells/$fold"
  cells+=("$exp/cells/$fold")
  [ -n "$layers" ] || continue
  for pool in $pools; do
    out=$exp/embeddings_$fold
    [ "$pool" = mean ] || out=${out}_$pool
    steps/extract_audio_embeddings.sh --cmd "$cmd" --nj "$nj" --num-threads "$num_threads" --encoder "$exp/$fold/encoder" \
      --layers "$layers" --pool "$pool" "$exp/data/all" "$out"
  done
done
python3 -m ser.bin.make_results_table "$exp" "${cells[@]}"
