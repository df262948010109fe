#!/usr/bin/env bats
# The driver of system D and its steps say what they need, and leave nothing behind where that is missing.

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || exit 1
  tmp=$BATS_TEST_TMPDIR
  name=bats_vgg_bert_$$
}

teardown() {
  rm -rf "data/$name" "exp/$name"
}

@test "run_vgg_bert.sh --help prints its header" {
  run local/run_vgg_bert.sh --help
  [ "$status" -eq 0 ]
  [[ "$output" == *"local/run_vgg_bert.sh --iemocap"* ]]
  [[ "$output" == *"--soft-targets true|false"* ]]
}

@test "run_vgg_bert.sh refuses what it does not know, before it does anything" {
  for options in "argument" "--no-such-option 1" "--test voxceleb1" "--modalities video" "--protocols halves" \
    "--yardsticks lstm" "--copies echo" "--stage 8" "--nj 0" "--conf $tmp" "--soft-targets maybe"; do
    # shellcheck disable=SC2086
    run local/run_vgg_bert.sh --name "$name" $options
    [ "$status" -eq 1 ]
    [[ "$output" == *"${options##* }"* ]] || [[ "$output" == *"${options%% *}"* ]]
    [ ! -e "exp/$name" ]
  done
}

@test "run_vgg_bert.sh begins with stage 0 on the toy corpora, and wants a folder of the corpus on others" {
  run local/run_vgg_bert.sh --name "$name" --stage 2
  [ "$status" -eq 1 ]
  [[ "$output" == *"start with --stage 0"* ]]
  run local/run_vgg_bert.sh --name "$name" --ravdess "$tmp" --stop-stage 0
  [ "$status" -eq 1 ]
  [[ "$output" == *"no folder of iemocap; give --iemocap or --corpora"* ]]
}

@test "run_vgg_bert_rows.sh hands the driver its options, and stops where it does" {
  run local/run_vgg_bert_rows.sh --name "$name" --no-such-option 1
  [ "$status" -eq 1 ]
  [[ "$output" == *"unknown option --no-such-option"* ]]
  run local/run_vgg_bert_rows.sh --name "$name" -- --modalities video
  [ "$status" -eq 1 ]
  [[ "$output" == *"--modalities: unknown 'video'"* ]]
  [ ! -e "exp/$name" ]
}

@test "the steps of system D name the file that is missing" {
  mkdir "$tmp/train"
  echo "s-1 some words" > "$tmp/train/text"
  run steps/train_text.sh --soft-targets true "$tmp/train" "$tmp/train/utt2emo" "$tmp/model"
  [ "$status" -eq 1 ]
  [[ "$output" == *"--soft-targets needs --label-map"* ]]
  run steps/make_logmel.sh "$tmp/train"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no utt2spk"* ]]
  run steps/distort_data_dir.sh "$tmp/absent" "$tmp/copies"
  [ "$status" -eq 1 ]
  [[ "$output" == *"$tmp/absent"* ]]
  [ ! -e "$tmp/copies" ]
}
