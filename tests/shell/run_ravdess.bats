#!/usr/bin/env bats
# The driver of RAVDESS says what it needs, and leaves nothing behind where that is missing.

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || exit 1
  tmp=$BATS_TEST_TMPDIR
  name=bats_ravdess_$$
}

teardown() {
  rm -rf "data/$name" "exp/$name"
}

@test "run_ravdess.sh --help prints its header" {
  run local/run_ravdess.sh --help
  [ "$status" -eq 0 ]
  [[ "$output" == *"Usage: local/run_ravdess.sh --corpora <dir>"* ]]
  [[ "$output" == *"--text-model"* ]]
}

@test "run_ravdess.sh refuses an unknown option, an argument, and no corpora" {
  run local/run_ravdess.sh --no-such-option 1
  [ "$status" -eq 1 ]
  [[ "$output" == *"unknown option --no-such-option"* ]]
  run local/run_ravdess.sh argument
  [ "$status" -eq 1 ]
  [[ "$output" == *"unexpected argument 'argument'"* ]]
  run local/run_ravdess.sh --name "$name"
  [ "$status" -eq 1 ]
  [[ "$output" == *"give --corpora"* ]]
  [ ! -e "exp/$name" ]
}

@test "run_ravdess.sh names the corpus that is not there, before it does anything" {
  mkdir -p "$tmp/corpora/ravdess"
  run local/run_ravdess.sh --name "$name" --corpora "$tmp/corpora"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no folder $tmp/corpora/dailydialog"* ]]
  [ ! -e "exp/$name" ]
  [ ! -e "data/$name" ]
}

@test "run_ravdess.sh fails where the folder holds no RAVDESS, and goes on to no other stage" {
  mkdir -p "$tmp/corpora/ravdess" "$tmp/corpora/dailydialog"
  run local/run_ravdess.sh --name "$name" --corpora "$tmp/corpora"
  [ "$status" -ne 0 ]
  [[ "$output" == *"No augmented copies"* ]]
  [[ "$output" == *"$tmp/corpora/ravdess"* ]]
  [[ "$output" != *"Stage 1"* ]]
}

@test "run_ravdess.sh fails at the text model where DailyDialog is empty" {
  mkdir -p "$tmp/corpora/ravdess" "$tmp/corpora/dailydialog"
  run local/run_ravdess.sh --name "$name" --corpora "$tmp/corpora" --stage 10
  [ "$status" -ne 0 ]
  [[ "$output" == *"$tmp/corpora/dailydialog"* ]]
  [ ! -e "exp/$name/text" ]
}

@test "perturb_speed.sh fails with the reason in its message, and leaves no data dir" {
  run steps/perturb_speed.sh 0.9 "$tmp/absent" "$tmp/out"
  [ "$status" -eq 1 ]
  [[ "$output" == *"$tmp/absent"* ]]
  [ ! -e "$tmp/out/utt2spk" ]
  run steps/perturb_speed.sh fast "$tmp/absent" "$tmp/out"
  [ "$status" -eq 1 ]
  [[ "$output" == *"fast"* ]]
}
