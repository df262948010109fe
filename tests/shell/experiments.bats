#!/usr/bin/env bats
# The grid's driver and the maker of its artefacts say what they need.

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || exit 1
  tmp=$BATS_TEST_TMPDIR
  run_name=bats_grid_$$
  sed "s/^run: .*/run: $run_name/" conf/toy/experiments.yaml > "$tmp/grid.yaml"
}

teardown() {
  rm -rf "data/$run_name" "exp/$run_name"
}

@test "run_experiments.sh --help prints its header" {
  run local/run_experiments.sh --help
  [ "$status" -eq 0 ]
  [[ "$output" == *"Usage: local/run_experiments.sh [options] <yaml>"* ]]
}

@test "run_experiments.sh names a YAML that is not there, and a key that it does not know" {
  run local/run_experiments.sh "$tmp/absent.yaml"
  [ "$status" -eq 1 ]
  [[ "$output" == *"$tmp/absent.yaml: missing"* ]]
  echo "sedes: [1]" >> "$tmp/grid.yaml"
  run local/run_experiments.sh "$tmp/grid.yaml"
  [ "$status" -eq 1 ]
  [[ "$output" == *"unknown key 'sedes'"* ]]
}

@test "run_experiments.sh without a run names what is missing and the command that makes it, and writes nothing" {
  for dry_run in true false; do
    run local/run_experiments.sh --dry-run "$dry_run" "$tmp/grid.yaml"
    [ "$status" -eq 1 ]
    [[ "$output" == *"exp/$run_name/plan/options.args: no such file; make the run by ./run.sh --name $run_name"* ]]
  done
  [ ! -e "exp/$run_name" ]
}

@test "make_artefact.sh refuses a line that lists no artefact" {
  echo "$tmp/nothing" > "$tmp/list"
  for line in 1 2; do
    run utils/make_artefact.sh "$tmp/list" "$line"
    [ "$status" -eq 1 ]
    [[ "$output" == *"line $line of $tmp/list: no artefact"* ]]
  done
}

@test "make_role_dir.sh --without-class leaves a class out, and refuses one that is not there" {
  mkdir -p "$tmp/data/a_emotion"
  printf 's1-a s1\ns1-b s1\n' > "$tmp/data/a_emotion/utt2spk"
  printf 's1 s1-a s1-b\n' > "$tmp/data/a_emotion/spk2utt"
  printf 's1-a anger\ns1-b fear\n' > "$tmp/data/a_emotion/utt2emo"
  run local/make_role_dir.sh --without-class anger "$tmp/out" "$tmp/data/a_emotion"
  [ "$status" -eq 0 ]
  [ "$(cat "$tmp/out/utt2emo")" = "s1-b fear" ]
  [ "$(cat "$tmp/out/spk2utt")" = "s1 s1-b" ]
  run local/make_role_dir.sh --unseen "joy fear" "$tmp/out" "$tmp/data/a_emotion"
  [ "$status" -eq 0 ]
  [ "$(cat "$tmp/out/utt2emo")" = "s1-a anger" ]
  run local/make_role_dir.sh --without-class joy "$tmp/out" "$tmp/data/a_emotion"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no utterance of the class 'joy'"* ]]
}
