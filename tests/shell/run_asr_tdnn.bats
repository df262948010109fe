#!/usr/bin/env bats
# The driver of system B and its steps say what they need, and leave nothing behind where that is missing.

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || exit 1
  tmp=$BATS_TEST_TMPDIR
  name=bats_asr_tdnn_$$
}

teardown() {
  rm -rf "data/$name" "exp/$name"
}

@test "run_asr_tdnn.sh --help prints its header" {
  run local/run_asr_tdnn.sh --help
  [ "$status" -eq 0 ]
  [[ "$output" == *"local/run_asr_tdnn.sh --corpora"* ]]
  [[ "$output" == *"--ivector-history utterance|dialogue|speaker"* ]]
}

@test "run_asr_tdnn.sh refuses what it does not know, before it does anything" {
  for options in "argument" "--no-such-option 1" "--test voxceleb1" "--speech cremad" "--variants other" \
    "--ivector-history ever" "--vote most" "--stage 9" "--nj 0" "--conf $tmp" "--decode maybe"; do
    # shellcheck disable=SC2086
    run local/run_asr_tdnn.sh --name "$name" $options
    [ "$status" -eq 1 ]
    [[ "$output" == *"${options##* }"* ]] || [[ "$output" == *"${options%% *}"* ]]
    [ ! -e "exp/$name" ]
  done
  run local/run_asr_tdnn.sh --name "$name" --iemocap "$tmp" --asr-model "$tmp" --variants pretrained
  [ "$status" -eq 1 ]
  [[ "$output" == *"no $tmp/config.yaml"* ]]
}

@test "run_asr_tdnn.sh --dry-run and --estimate leave nothing behind" {
  run local/run_asr_tdnn.sh --name "$name" --dry-run true
  [ "$status" -eq 0 ]
  [[ "$output" == *"pretrained_layer12"* ]]
  run local/run_asr_tdnn.sh --name "$name" --estimate true
  [ "$status" -eq 0 ]
  [[ "$output" == *"4 recogniser"* ]]
  [ ! -e "exp/$name" ] && [ ! -e "data/$name" ]
}

@test "split_speakers.sh parts a data dir by its speakers, with or without the corpus's prefix" {
  mkdir "$tmp/all"
  printf 'so01-a so01\nso02-a so02\nso02-b so02\n' > "$tmp/all/utt2spk"
  printf 'so01 so01-a\nso02 so02-a so02-b\n' > "$tmp/all/spk2utt"
  printf 'so01-a a\nso02-a b\nso02-b c\n' > "$tmp/all/text"
  echo 02 > "$tmp/list"
  run utils/split_speakers.sh "$tmp/list" "$tmp/all" "$tmp/test" "$tmp/train"
  [ "$status" -eq 0 ]
  [ "$(cut -d ' ' -f 1 "$tmp/test/utt2spk" | xargs)" = "so02-a so02-b" ]
  [ "$(cut -d ' ' -f 1 "$tmp/train/utt2spk" | xargs)" = "so01-a" ]
  echo 07 > "$tmp/list"
  run utils/split_speakers.sh "$tmp/list" "$tmp/all" "$tmp/test" "$tmp/train"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no speaker of"* ]]
}
