#!/usr/bin/env bats
# What the recipes say before they run: the estimate, and that a disk is too small.

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || exit 1
  tmp=$BATS_TEST_TMPDIR
  name=estimate_test_$$
}

teardown() { [ ! -e "data/$name" ] && [ ! -e "exp/$name" ]; }     # nothing ran

@test "run.sh --estimate prints the toy corpora and every stage, and runs none" {
  run ./run.sh --name "$name" --estimate
  [ "$status" -eq 0 ]
  [[ "$output" == *"voxceleb1             192"* ]]
  for stage in 0 1 2 3 4 5 6 7 8 9 all; do [[ "$output" == *$'\n'"$stage "* ]]; done
}

@test "run.sh --estimate takes a corpus that is not there as published, and says so" {
  mkdir -p "$tmp/corpora/ravdess"
  run ./run.sh --name "$name" --corpora "$tmp/corpora" --pretrain "ravdess cremad" --modalities speech --estimate true
  [ "$status" -eq 0 ]
  [[ "$output" == *"cremad              7,442       5.17  published totals: no $tmp/corpora/CREMA-D"* ]]
}

@test "a run that would fill the disk is refused before it begins" {
  for corpus in VoxCeleb1 VoxCeleb2 CREMA-D IEMOCAP_full_release dailydialog musan RIRS_NOISES; do
    mkdir -p "$tmp/corpora/$corpus"
  done
  sed 's/^split_table: .*/split_table: 1000000000/' conf/rates.yaml > "$tmp/rates.yaml"
  run ./run.sh --name "$name" --corpora "$tmp/corpora" --rates "$tmp/rates.yaml"
  [ "$status" -eq 1 ]
  [[ "$output" == *"GB are free"*"--check-disk false"* ]]
}

@test "a rate that is missing is refused by name" {
  sed '/^pair:/d' conf/rates.yaml > "$tmp/rates.yaml"
  run ./run.sh --name "$name" --rates "$tmp/rates.yaml" --estimate
  [ "$status" -eq 1 ]
  [[ "$output" == *"missing key 'pair'"* ]]
}

@test "local/run_vgg_bert.sh --estimate prints the corpus and every stage, and runs none" {
  run local/run_vgg_bert.sh --name "$name" --estimate
  [ "$status" -eq 0 ]
  [[ "$output" == *"iemocap               360"* ]]
  for stage in 0 1 2 3 4 5 6 7 all; do [[ "$output" == *$'\n'"$stage "* ]]; done
  run local/run_vgg_bert.sh --name "$name" --estimate --modalities speech --yardsticks ""
  [ "$status" -eq 0 ]
  [[ "$output" != *$'\n'[345]" "* ]]
}

@test "a run of local/run_vgg_bert.sh that would fill the disk is refused before it begins" {
  sed 's/^split_table: .*/split_table: 10000000000/' conf/rates.yaml > "$tmp/rates.yaml"
  run local/run_vgg_bert.sh --name "$name" --rates "$tmp/rates.yaml"
  [ "$status" -eq 1 ]
  [[ "$output" == *"the stages 0 to 7 need "*"GB are free"*"--check-disk false"* ]]
}
