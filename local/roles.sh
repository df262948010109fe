# shellcheck shell=bash disable=SC2046,SC2086,SC2154
# Who trains what and is scored on what: functions of the roles that run.sh sets (pretrain, finetune, backend,
# text_train, test, augment, finetune_noise, modalities, layers ...) and of the conditions that follow, sourced by it.

# Prints its arguments one a line, each once.
distinct() { printf '%s\n' "$@" | awk '!seen[$0]++'; }

# The corpora of speech, and all that stage 0 prepares.
speech_corpora() { distinct $pretrain $finetune $backend $test; }
all_corpora() {
  distinct $pretrain $finetune $backend $test $(uses_text && echo "$text_train") ${augment:+musan rirs_noises}
}

# Whether any of the modalities needs text.
uses_text() { [[ "$modalities" == *text* ]]; }

# check_words <option> "<word> ..." "<known word> ...": refuses a word that is not known.
check_words() {
  local word
  for word in $2; do [[ " $3 " == *" $word "* ]] || die "--$1: unknown '$word'; known: $3"; done
}

# Refuses settings that would only fail hours later.
check_settings() {
  local file
  [[ "$stage" =~ ^[0-9]$ && "$stop_stage" =~ ^[0-9]+$ && "$stage" -le "$stop_stage" ]] ||
    die "expected --stage 0 to 9 and a --stop-stage that is not before it, found '$stage' and '$stop_stage'"
  [[ "$nj $num_threads $train_jobs" =~ ^[1-9][0-9]*\ [1-9][0-9]*\ [1-9][0-9]*$ ]] ||
    die "--nj, --num-threads, --train-jobs: expected numbers from 1, found '$nj', '$num_threads', '$train_jobs'"
  check_words modalities "$modalities" "speech text speech+text"
  check_words augment "$augment" "reverb noise music babble"
  check_words layers "${layers//,/ }" "tdnn6 tdnn7 tdnn8 tdnn9"
  check_words pooling "$pooling" "cls mean"
  check_words corpora "$pretrain $finetune $backend $test $text_train" \
    "voxceleb1 voxceleb2 cremad iemocap dailydialog ravdess"
  for file in "$conf/xvector_pretrain.yaml" "$conf/$finetune_config.yaml" "$backend_config" "$label_map" \
    $(uses_text && echo "$conf/bert.yaml"); do
    [ -f "$file" ] || die "no $file; --help lists the options that name it"
  done
  if uses_text && [[ " $drawn_text " == *" $test "* ]]; then
    die "$test is scored and in --drawn-text: the draw uses the labels; take it out"
  fi
  if $toy && [ "$stage" -gt 0 ] && [ ! -d "$corpora" ]; then
    die "no $corpora: for a run on real corpora give --corpora again, for a toy run begin with --stage 0"
  fi
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

# The corpora that get augmented copies.
augmented_corpora() { if [ -n "$augment" ]; then distinct $pretrain $($finetune_noise && echo "$finetune"); fi; }
finetune_noise_kind() { if [ -n "$augment" ] && $finetune_noise; then echo aug_emotion; fi; }

# The data dirs that emotion classes are made of: normalised features where the corpus is speech, else the texts.
emotion_sources() {
  local corpus
  for corpus in $(distinct $finetune $backend "$test"); do echo "${corpus}_no_sil"; done
  if [ -n "$(finetune_noise_kind)" ]; then for corpus in $finetune; do echo "${corpus}_aug_no_sil"; done; fi
  if uses_text; then
    for corpus in $text_train; do [[ " $finetune $backend $test " == *" $corpus "* ]] || echo "$corpus"; done
  fi
}

# The conditions that a run trains and scores: `none` without the test corpus, if every role has another corpus to
# train on, then each fold of the test corpus, if any role trains on it.
list_conditions() {
  local with_target=false without_target=true role
  for role in "$pretrain" "$finetune" "$backend" "$(uses_text && echo "$text_train")"; do
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

# write_cells <dir>: the cells of the results table, one file of arguments for ser.bin.evaluate_backend each, and
# the list of their folders.
write_cells() {
  local dir=$1 condition modality layer vectors trained_on fold number=0
  rm -rf "$dir"
  mkdir -p "$dir"
  for condition in $conditions; do
    for modality in $modalities; do
      for layer in $(if [ "$modality" = text ]; then echo bert; else echo "${layers//,/ }"; fi); do
        case "$modality" in
          speech)
            vectors=$exp/embeddings_$(fold_of "$condition" $pretrain $finetune)/$layer.scp
            trained_on=$(corpora_of "$condition" $pretrain $finetune $backend) ;;
          text)
            vectors=$exp/text_embeddings_$(fold_of "$condition" $text_train)/all.scp
            trained_on=$(corpora_of "$condition" $text_train $backend) ;;
          speech+text)
            vectors=$exp/speech+text_$(fold_of "$condition" $pretrain $finetune $text_train)/$layer.scp
            trained_on=$(corpora_of "$condition" $pretrain $finetune $text_train $backend) ;;
        esac
        number=$((number + 1))
        fold=${condition/none/all}
        printf '%s\n' --config "$backend_config" ${lda_dim:+"--lda-dim=$lda_dim"} --system xvector_bert \
          --train "$(tr '\n' '+' <<< "$trained_on" | sed 's/+*$//')" --test "$test" --fold "$fold" \
          --layer "$layer" --modality "$modality" \
          "$data/backend_$(fold_of "$condition" $backend)/utt2emo" "scp:$vectors" \
          "$data/test_$condition/utt2emo" "scp:$vectors" "$dir/${modality}_${layer}_$condition" > "$dir/$number.args"
        echo "$dir/${modality}_${layer}_$condition" >> "$dir/list"
      done
    done
  done
}

# Says which text each corpus of the results had.
text_used() {
  local corpus
  for corpus in $(distinct $backend "$test"); do
    if [[ " $drawn_text " == *" $corpus "* ]]; then
      echo "$corpus: of a random utterance of the same label in $text_train (training only)"
    else
      echo "$corpus: its own words"
    fi
  done
}
