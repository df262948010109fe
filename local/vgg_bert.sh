# shellcheck shell=bash disable=SC2046,SC2086,SC2154
# The parts, models and cells of system D: functions of the settings of local/run_vgg_bert.sh, sourced by it after
# local/roles.sh.

# Refuses settings that would only fail hours later.
check_options() {
  [[ "$test" =~ ^(iemocap|ravdess)$ ]] || die "--test: expected iemocap or ravdess, found '$test'"
  check_words protocols "$protocols" "folds random"
  check_words modalities "$modalities" "speech text speech+text"
  check_words yardstick-modalities "$yardstick_modalities" "$modalities"
  check_words yardsticks "$yardsticks" "bc_lstm icon"
  [[ "$test" = iemocap || -z "$yardsticks" ]] ||
    die "--yardsticks: $test has no dialogues for '$yardsticks' to hear; give --yardsticks \"\""
  check_words copies "$copies" "white pitch stretch shift"
  [[ -n "$protocols" && -n "$modalities" ]] || die "--protocols and --modalities: name one or more"
  check_run 7 "$label_map" "$conf/logmel.yaml" $(settings_of)
}

# The settings of the models that are asked for.
settings_of() {
  uses speech && echo "$conf/vgg.yaml"
  uses text && echo "$conf/bert.yaml"
  uses speech+text && echo "$conf/fusion.yaml"
  for yardstick in $yardsticks; do echo "$conf/$yardstick.yaml"; done
}

# estimate_cost [--free]: prints what the stages of this run will cost, or with --free checks that the disk has room. It
# takes the place of that of run.sh.
estimate_cost() {
  python3 -m ser.bin.estimate_vgg_bert --rates "$rates" --stage "$stage" --stop-stage "$stop_stage" \
    --test "$test" --protocols "$protocols" --modalities "$modalities" --yardsticks "$yardsticks" \
    --yardstick-modalities "$yardstick_modalities" --copies "$copies" --nj "$nj" --text-model "$text_model" \
    $($toy && echo --toy conf/toy/corpora.yaml) --folder "$test=$(folder_of "$test")" "$@" "$conf" "$data" "$exp"
}

# What is scored by models of its own: the folds of the corpus, and the random split as one more.
list_folds() {
  if [[ " $protocols " == *" folds "* ]]; then cut -d' ' -f2 "$labelled/utt2fold" | sort -u; fi
  if [[ " $protocols " == *" random "* ]]; then echo random; fi
}

# each_fold <command> ...: runs it for each fold, whose name stands for FOLD, --train-jobs of them at once.
each_fold() { list_folds | xargs -P "$train_jobs" -I FOLD "$@"; }

# next_fold <fold>: the fold that validates the models that this one tests.
next_fold() {
  local folds
  folds=$(cut -d' ' -f2 "$labelled/utt2fold" | sort -u)
  printf '%s\n' "$folds" "$folds" | grep -x -m 1 -A 1 -- "$1" | tail -n 1     # after the last comes the first
}

# split_parts <fold>: writes the data dirs train_<fold>, valid_<fold> and test_<fold>.
split_parts() {
  if [ "$1" = random ]; then
    python3 -m ser.bin.split_stratified --valid 0.2 --test 0.1 --seed "$split_seed" \
      "$labelled" "$data/train_random" "$data/valid_random" "$data/test_random"
    return
  fi
  utils/select_fold.sh --part test "$1" "$labelled" "$data/test_$1"
  utils/select_fold.sh --part train "$1" "$labelled" "$data/rest_$1"
  utils/select_fold.sh --part test "$(next_fold "$1")" "$data/rest_$1" "$data/valid_$1"
  utils/select_fold.sh --part train "$(next_fold "$1")" "$data/rest_$1" "$data/train_$1"
}

# audit_parts <fold>: counts what the test part shares with the others. The paper's split shares much and says so; a
# fold of the corpus must not.
audit_parts() {
  python3 -m ser.bin.audit_protocol --corpora "$labelled" --out "$exp/audit/$1.tsv" \
    --report-only "$([ "$1" = random ] && echo true || echo false)" \
    "$data/test_$1" "train=$data/train_$1" "valid=$data/valid_$1"
}

# compute_posteriors <model> <modality>: turns the embeddings of each fold's model into class probabilities.
compute_posteriors() {
  each_fold $train_cmd "$exp/$1_FOLD/log/posteriors.log" \
    python3 -m ser.bin.compute_posteriors "$exp/$1_FOLD" "scp:$exp/embeddings_FOLD/$2.scp" \
    "ark,scp:$exp/posteriors_FOLD/$2.ark,$exp/posteriors_FOLD/$2.scp"
}

# train_fusion <settings> <model-dir> "<modality>=<scp> ...": trains one for each fold, whose name stands for FOLD.
train_fusion() {
  each_fold steps/train_fusion.sh --cmd "$cuda_cmd" --num-threads "$num_threads" --config "$conf/$1.yaml" \
    --label-map "$label_map" --soft-targets "$soft_targets" \
    "$3" "$data/train_FOLD" "$data/valid_FOLD" "$data/test_FOLD" "$2"
}

# write_posterior_cells <dir>: the cells of the results table, one file of arguments for ser.bin.evaluate_posteriors
# each, and the list of their folders.
write_posterior_cells() {
  local dir=$1 fold modality yardstick
  rm -rf "$dir"
  mkdir -p "$dir"
  for fold in $(list_folds); do
    for modality in $modalities; do
      case "$modality" in
        speech) write_cell vgg_bert vgg "$exp/vgg_$fold" "$exp/posteriors_$fold/speech.scp" ;;
        text) write_cell vgg_bert bert "$exp/bert_$fold" "$exp/posteriors_$fold/text.scp" ;;
        speech+text) write_cell vgg_bert fusion "$exp/fusion_$fold" "$exp/fusion_$fold/posteriors.scp" ;;
      esac
    done
    for modality in $yardstick_modalities; do
      for yardstick in $yardsticks; do
        write_cell "$yardstick" "$yardstick" \
          "$exp/${yardstick}_${modality}_$fold" "$exp/${yardstick}_${modality}_$fold/posteriors.scp"
      done
    done
  done
}

# write_cell <system> <layer> <model-dir> <scp of the probabilities>: one more cell, of $fold and $modality, in $dir.
write_cell() {
  local variant=folds table_fold=$fold text=- number folder=$dir/$2_${modality}_$fold
  if [ "$fold" = random ]; then variant=random table_fold=all; fi
  if $soft_targets; then variant+=+soft; fi
  if [[ "$modality" == *text* ]]; then text=gold; fi
  echo "$folder" >> "$dir/list"
  number=$(wc -l < "$dir/list")
  # Without words an utterance is scored by speech alone.
  printf '%s\n' --system "$1" --train "$test" --test "$test" --fold "$table_fold" --variant "$variant" \
    --seed "$(seed_of "$3/config.yaml")" --layer "$2" --modality "$modality" --text "$text" \
    --speakers "$labelled/spk2utt" \
    $(uses speech && echo "--fallback=scp:$exp/posteriors_$fold/speech.scp") \
    "$3/classes.txt" "$data/test_$fold" "scp:$4" "$folder" > "$dir/$number.args"
}
