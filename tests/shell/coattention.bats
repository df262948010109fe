#!/usr/bin/env bats
# System C: its steps and its driver refuse what they cannot work on.

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || exit 1
}

@test "train_triplet.sh names the features that are missing and the step that makes them" {
  mkdir -p "$BATS_TEST_TMPDIR/data"
  run steps/train_triplet.sh "$BATS_TEST_TMPDIR/data" "$BATS_TEST_TMPDIR/net"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no $BATS_TEST_TMPDIR/data/feats.scp; run "* ]]
}

@test "train_coattention.sh names the sequences that are missing" {
  run steps/train_coattention.sh "speech=$BATS_TEST_TMPDIR/10.scp" a b c "$BATS_TEST_TMPDIR/net"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no $BATS_TEST_TMPDIR/10.scp, the sequences of 'speech'"* ]]
}

@test "train_coattention.sh refuses an encoder without its layer" {
  echo "a-1 x" > "$BATS_TEST_TMPDIR/10.scp"
  run steps/train_coattention.sh --encoder net "speech=$BATS_TEST_TMPDIR/10.scp" a b c "$BATS_TEST_TMPDIR/net"
  [ "$status" -eq 1 ]
  [[ "$output" == *"--encoder net: give --encoder-layer too"* ]]
}

@test "prepare_savee.sh and prepare_goemotions.sh name a folder that is not theirs" {
  for corpus in savee goemotions; do
    run "local/prepare_$corpus.sh" "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/out_$corpus"
    [ "$status" -eq 1 ]
    [[ "$output" == *"give the folder"* ]]
  done
}

@test "run_coattention.sh refuses an encoder that it does not know" {
  run local/run_coattention.sh --encoders "yamnet trill"
  [ "$status" -eq 1 ]
  [[ "$output" == *"--encoders: unknown 'trill'; known: vggish yamnet triplet"* ]]
}
