# shellcheck shell=bash disable=SC2046,SC2086,SC2154
# Who trains what and is scored on what: functions of the roles that run.sh sets (pretrain, finetune, backend,
# text_train, test, augment, finetune_noise, modalities, layers ...) and of the conditions that follow, sourced by it.
# local/run_vgg_bert.sh takes what is not of roles: uses, check_words, check_run, folder_of, seed_of.

# Prints its arguments one a line, each once.
distinct() { printf '%s\n' "$@" | awk '!seen[$0]++'; }

# The corpora of speech, and all that stage 0 prepares.
speech_corpora() { distinct $pretrain $finetune $backend $test; }
all_corpora() {
  distinct $pretrain $finetune $backend $test $(uses text && echo "$text_train") ${augment:+musan rirs_noises}
}

# uses <modality>: whether it is asked for, or needed by one that is.
uses() { [[ "$modalities" == *$1* ]]; }

# check_words <option> "<word> ..." "<known word> ...": refuses a word that is not known.
check_words() {
  local word
  for word in $2; do [[ " $3 " == *" $word "* ]] || die "--$1: unknown '$word'; known: $3"; done
}

# check_run <last stage> <file of settings>...: refuses what would only fail hours later, whichever the recipe.
check_run() {
  local last=$1 file
  shift
  [[ "$stage" =~ ^[0-9]$ && "$stop_stage" =~ ^[0-9]+$ && "$stage" -le "$last" && "$stage" -le "$stop_stage" ]] ||
    die "expected --stage 0 to $last and a --stop-stage that is not before it, found '$stage' and '$stop_stage'"
  [[ "$nj $num_threads $train_jobs" =~ ^[1-9][0-9]*\ [1-9][0-9]*\ [1-9][0-9]*$ ]] ||
    die "--nj, --num-threads, --train-jobs: expected numbers from 1, found '$nj', '$num_threads', '$train_jobs'"
  [[ "$name" =~ ^[A-Za-z0-9._-]+$ ]] ||
    die "--name: expected letters, digits and ._- alone, found '$name'; take another"
  for file in "$@"; do [ -f "$file" ] || die "no $file; --help lists the options that name it"; done
  if $toy && [ "$stage" -gt 0 ] && [ ! -d "$corpora" ]; then
    die "no $corpora; for a run on real corpora give --corpora again, for a toy run begin with --stage 0"
  fi
}

# Refuses settings of run.sh that would only fail hours later.
check_settings() {
  check_run 9 "$conf/xvector_pretrain.yaml" "$conf/$finetune_config.yaml" "$backend_config" "$label_map" \
    $(uses text && echo "$conf/bert.yaml")
  [[ "$processes" =~ ^[1-9][0-9]*$ ]] || die "--processes: expected a number from 1, found '$processes'"
  check_words modalities "$modalities" "speech text speech+text"
  check_words augment "$augment" "reverb noise music babble"
  check_words layers "${layers//,/ }" "tdnn6 tdnn7 tdnn8 tdnn9"
  check_words pooling "$pooling" "cls mean"
  [[ "$finetune_speeds" =~ ^[0-9.\ ]*$ ]] ||
    die "--finetune-speeds: expected factors such as '0.9 1.1', found '$finetune_speeds'"
  check_words corpora "$pretrain $finetune $backend $test $text_train" \
    "voxceleb1 voxceleb2 cremad iemocap dailydialog ravdess"
  if uses text && [[ " $drawn_text " == *" $test "* ]]; then
    die "$test is scored and in --drawn-text: the draw uses the labels; take it out"
  fi
  check_text_condition
}

check_text_condition() {
  case "$text_condition" in
    gold | shuffled) ;;
    none)
      [ "$modalities" != text ] || die "--text-condition none leaves nothing to score of --modalities text"
      [[ " $modalities " != *" text "* ]] || log "No rows of text alone: --text-condition none leaves nothing to score"
      modalities=$(for word in $modalities; do [ "$word" = text ] || echo "$word"; done | xargs) ;;
    *)
      [ -s "$text_condition" ] ||
        die "--text-condition: expected gold, none, shuffled or a file of transcripts, found '$text_condition'"
      [[ "$(text_name)" =~ ^[A-Za-z0-9._-]+$ && " gold none shuffled " != *" $(text_name) "* ]] ||
        die "--text-condition: results will say '$(text_name)'; rename the file, in letters, digits and ._-" ;;
  esac
}

# The folder of a corpus as it is distributed: its own option, or its usual name under --corpora.
folder_of() {
  local usual
  case "$1" in
    voxceleb1) usual=VoxCeleb1 ;;
    voxceleb2) usual=VoxCeleb2 ;;
    cremad) usual=CREMA-D ;;
    iemocap) usual=IEMOCAP_full_release ;;
    rirs_noises) usual=RIRS_NOISES ;;
    dailydialog | ravdess | musan) usual=$1 ;;
    *) die "unknown corpus '$1'; known: voxceleb1 voxceleb2 cremad iemocap dailydialog ravdess musan rirs_noises" ;;
  esac
  [ -n "${!1}$corpora" ] || die "no folder of $1; give --${1//_/-} or --corpora"
  echo "${!1:-$corpora/$usual}"
}

# estimate_cost [--free]: prints what the stages of this run will cost, or with --free checks that the disk has room.
estimate_cost() {
  local corpus folders=()
  for corpus in $(all_corpora); do folders+=(--folder "$corpus=$(folder_of "$corpus")"); done
  python3 -m ser.bin.estimate_cost --rates "$rates" --stage "$stage" --stop-stage "$stop_stage" \
    --pretrain "$pretrain" --finetune "$finetune" --backend "$backend" --test "$test" \
    --text-train "$(uses text && echo "$text_train")" --modalities "$modalities" --layers "$layers" \
    --augment "$augment" --finetune-noise "$finetune_noise" --finetune-speeds "$finetune_speeds" \
    --compress "$compress" --nj "$nj" --text-model "$text_model" $($toy && echo --toy conf/toy/corpora.yaml) \
    "${folders[@]}" "$@" \
    "$conf/xvector_pretrain.yaml" "$conf/$finetune_config.yaml" "$conf/bert.yaml" "$data" "$exp"
}

# The corpora that get augmented copies.
augmented_corpora() { if [ -n "$augment" ]; then distinct $pretrain $($finetune_noise && echo "$finetune"); fi; }
finetune_noise_kind() { if [ -n "$augment" ] && $finetune_noise; then echo aug_emotion; fi; }

# The data dirs of copies of other speed that fine-tuning sees, and the kinds of all its copies.
speed_copies() {
  local corpus speed
  for corpus in $(distinct $finetune); do
    for speed in $finetune_speeds; do echo "${corpus}_speed$speed"; done
  done
}
finetune_copies() { finetune_noise_kind; for speed in $finetune_speeds; do echo "speed${speed}_emotion"; done; }

# The data dirs that emotion classes are made of: normalised features where the corpus is speech, else the texts.
emotion_sources() {
  local corpus
  for corpus in $(distinct $finetune $backend "$test"); do echo "${corpus}_no_sil"; done
  if [ -n "$(finetune_noise_kind)" ]; then for corpus in $finetune; do echo "${corpus}_aug_no_sil"; done; fi
  for corpus in $(speed_copies); do echo "${corpus}_no_sil"; done
  if uses text; then
    for corpus in $text_train; do [[ " $finetune $backend $test " == *" $corpus "* ]] || echo "$corpus"; done
  fi
}

# The conditions that a run trains and scores: `none` without the test corpus, if every role has another corpus to
# train on, then each fold of the test corpus, if any role trains on it.
list_conditions() {
  local with_target=false without_target=true role
  for role in "$pretrain" "$finetune" "$backend" "$(uses text && echo "$text_train")"; do
    [[ " $role " != *" $test "* ]] || with_target=true
    [ -z "$role" ] || [ -n "$(corpora_of none $role)" ] || without_target=false
  done
  if $without_target; then echo none; fi
  if $with_target; then
    [ -f "$data/$test/utt2fold" ] || die "no $data/$test/utt2fold, whose folds part $test; begin with --stage 0"
    cut -d' ' -f2 "$data/$test/utt2fold" | sort -u
  fi
}

# corpora_of <condition> <corpus>...: these corpora, without the test corpus in the condition `none`.
corpora_of() {
  local condition=$1 corpus
  shift
  for corpus in $(distinct "$@"); do
    [ "$condition" = none ] && [ "$corpus" = "$test" ] || echo "$corpus"
  done
}

# fold_of <condition> <corpus>...: the fold that something trained on these corpora belongs to, `none` where the
# test corpus is not among them, so that all conditions share it.
fold_of() {
  local condition=$1
  shift
  if [[ " $* " == *" $test "* ]]; then echo "$condition"; else echo none; fi
}

# folds_of <corpus>...: the distinct folds of what is trained on these corpora, over all $conditions.
folds_of() {
  local condition
  for condition in $conditions; do fold_of "$condition" "$@"; done | sort -u
}

# The data dirs of whole corpora, features and all.
corpus_dirs() {
  local corpus
  for corpus in $(speech_corpora) $(uses text && echo "$text_train"); do echo "$data/$corpus"; done | sort -u | xargs
}

# The roles that train something.
training_roles() { echo pretrain finetune backend; if uses text; then echo text_train; fi; }

# The folds that something is trained for. What is trained for `none` is scored on all of the test corpus.
trained_folds() {
  local role
  for role in $(training_roles); do folds_of ${!role}; done | sort -u
}

# trained_for <fold>: <role>=<data dir> of everything that is trained for just this fold.
trained_for() {
  local role
  for role in $(training_roles); do
    if folds_of ${!role} | grep -x "$1" > /dev/null; then echo "${role%_train}=$data/${role%_train}_$1"; fi
  done
}

# The text condition as the results call it, and what it adds to the names of folders with the scored side's vectors:
# nothing where that is the side that trains, too.
text_name() { basename "$text_condition"; }
text_suffix() { [ "$text_condition" = gold ] || echo "_$(text_name)"; }

# The data dirs whose own words get vectors.
text_dirs() {
  local corpus
  for corpus in $(distinct $backend $([ -n "$(text_suffix)" ] || echo "$test")); do echo "$data/${corpus}_emotion"; done
}

# Whether utterances may be scored that have no text vector.
lacks_text() { [ -n "$(text_suffix)" ] || awk 'NF == 1 { found = 1 } END { exit !found }' "$data/test_text/text"; }

# The fine-tuning as the results call it: all layers trained, or what the name of its settings adds.
variant_name() {
  local name=${finetune_config#xvector_finetune}
  name=${name#_}
  echo "${name:-all}$([ -z "$(finetune_noise_kind)" ] || echo +noise)${finetune_speeds:++speed}"
}

# seed_of <yaml of a training>: the seed in it.
seed_of() { sed -n 's/^ *seed: *\([0-9]*\).*/\1/p' "$1"; }

# write_cells <dir>: the cells of the results table, one file of arguments for ser.bin.evaluate_backend each, and
# the list of their folders.
write_cells() {
  local dir=$1 condition modality layer train_vectors test_vectors speech fallback variant seed text trained_on
  local number=0
  rm -rf "$dir"
  mkdir -p "$dir"
  for condition in $conditions; do
    speech=$exp/embeddings_$(fold_of "$condition" $pretrain $finetune)
    for modality in $modalities; do
      for layer in $(if [ "$modality" = text ]; then echo bert; else echo "${layers//,/ }"; fi); do
        text=$(text_name) variant=$(variant_name) seed=$(seed_of "$conf/$finetune_config.yaml") fallback=
        case "$modality" in
          speech)
            train_vectors=$speech/$layer.scp test_vectors=$speech/$layer.scp text=-
            trained_on=$(corpora_of "$condition" $pretrain $finetune $backend) ;;
          text)
            train_vectors=$exp/text_embeddings_$(fold_of "$condition" $text_train)
            test_vectors=$train_vectors$(text_suffix)/all.scp
            train_vectors=$train_vectors/all.scp fallback=$speech/${layers##*,}.scp
            variant=- seed=$(seed_of "$conf/bert.yaml")
            trained_on=$(corpora_of "$condition" $text_train $backend) ;;
          speech+text)
            train_vectors=$exp/speech+text_$(fold_of "$condition" $pretrain $finetune $text_train)
            test_vectors=$train_vectors$(text_suffix)/$layer.scp
            train_vectors=$train_vectors/$layer.scp fallback=$speech/$layer.scp
            trained_on=$(corpora_of "$condition" $pretrain $finetune $text_train $backend) ;;
        esac
        if [ -n "$fallback" ] && ! lacks_text; then fallback=; fi
        number=$((number + 1))
        printf '%s\n' --config "$backend_config" ${lda_dim:+"--lda-dim=$lda_dim"} --system xvector_bert \
          --train "$(tr '\n' '+' <<< "$trained_on" | sed 's/+*$//')" --test "$test" --fold "${condition/none/all}" \
          --variant "$variant" --seed "$seed" --text "$text" --layer "$layer" --modality "$modality" \
          --speakers "$data/test_none/spk2utt" \
          ${fallback:+"--fallback-train=scp:$fallback" "--fallback-test=scp:$fallback"} \
          "$data/backend_$(fold_of "$condition" $backend)" "scp:$train_vectors" \
          "$data/test_$condition" "scp:$test_vectors" "$dir/${modality}_${layer}_$condition" > "$dir/$number.args"
        echo "$dir/${modality}_${layer}_$condition" >> "$dir/list"
      done
    done
  done
}

# Says which text each corpus of the results had.
text_used() {
  local corpus
  for corpus in $(distinct $backend); do
    if [[ " $drawn_text " == *" $corpus "* ]]; then
      echo "$corpus: of a random utterance of the same label in $text_train (training only)"
    elif [ "$corpus" != "$test" ]; then
      echo "$corpus: its own words"
    fi
  done
  case "$text_condition" in
    gold) echo "$test: its own words" ;;
    none) echo "$test: none where it is scored" ;;
    shuffled) echo "$test: where it is scored, the words of another utterance of its fold" ;;
    *) echo "$test: where it is scored, those of $(text_name)" ;;
  esac
}
