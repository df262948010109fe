#!/usr/bin/env bats
# The option parser, the job runner and the table tools.

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || exit 1
  tmp=$BATS_TEST_TMPDIR
  cat > "$tmp/script.sh" <<'SCRIPT'
#!/usr/bin/env bash
# Says its options.
# Usage: script.sh [--some-name <x>]
set -euo pipefail
some_name=default
flag=false
. utils/parse_options.sh
echo "$some_name $flag $*"
later=1
SCRIPT
  chmod +x "$tmp/script.sh"
}

@test "an option sets its variable, with a space or with =" {
  run "$tmp/script.sh" --some-name a --flag=true in out
  [ "$status" -eq 0 ]
  [ "$output" = "a true in out" ]
}

@test "an unknown option is an error that names it" {
  run "$tmp/script.sh" --other 1
  [ "$status" -eq 1 ]
  [[ "$output" == *"unknown option --other"* ]]
}

@test "an option without its value is an error" {
  run "$tmp/script.sh" --some-name
  [ "$status" -eq 1 ]
  [[ "$output" == *"--some-name needs a value"* ]]
}

@test "only the script's settings are options, whatever the environment and the parser hold" {
  export http_proxy=http://proxy
  for name in http-proxy option-name option-names option-level later path; do
    run "$tmp/script.sh" --$name 3
    [ "$status" -eq 1 ]
    [[ "$output" == *"unknown option --$name; --help lists the options" ]]
  done
  export some_name=of_the_environment          # a setting's own value goes before it
  run "$tmp/script.sh"
  [ "$output" = "default false " ]
}

@test "an option is not taken for the value of the one before it" {
  run "$tmp/script.sh" --some-name --help
  [ "$status" -eq 1 ]
  [[ "$output" == *"option --some-name needs a value, found the option --help; write --some-name=--help if it is the value" ]]
  run "$tmp/script.sh" --some-name --flag
  [ "$status" -eq 1 ]
  run "$tmp/script.sh" --some-name=--flag
  [ "$output" = "--flag false " ]
}

@test "settings of a file that sources the parser, and those named in common_options, are options too" {
  printf '%s\n' 'shared=1' '. utils/parse_options.sh' > "$tmp/shared.sh"
  printf '%s\n' '#!/usr/bin/env bash' 'set -euo pipefail' 'own=2' 'common_options=(third)' 'third() { :; }; third=3' \
    ". $tmp/shared.sh" "echo \$shared \$own \$third" > "$tmp/outer.sh"
  chmod +x "$tmp/outer.sh"
  run "$tmp/outer.sh" --shared a --own b --third c
  [ "$output" = "a b c" ]
}

@test "a flag without a value is true" {
  run "$tmp/script.sh" --flag
  [ "$status" -eq 0 ]
  [ "$output" = "default true " ]
  run "$tmp/script.sh" --flag --some-name a
  [ "$output" = "a true " ]
}

@test "a flag takes only true or false" {
  run "$tmp/script.sh" --flag maybe
  [ "$status" -eq 1 ]
  [[ "$output" == *"takes true or false, found 'maybe'"* ]]
}

@test "--help prints the header of the script" {
  run "$tmp/script.sh" --help
  [ "$status" -eq 0 ]
  [ "${lines[0]}" = "Says its options." ]
  [[ "$output" != *"set -euo"* ]]
}

@test "run.pl runs each job with its number and logs its end" {
  run utils/run.pl JOB=1:3 "$tmp/log.JOB" echo job JOB '>' "$tmp/out.JOB"
  [ "$status" -eq 0 ]
  [ "$(cat "$tmp/out.2")" = "job 2" ]
  grep -q '^# Ended with status 0' "$tmp/log.3"
}

@test "run.pl fails if one job fails, and shows the end of its log" {
  # shellcheck disable=SC2016  # the job's own shell is to expand it
  run utils/run.pl JOB=1:3 "$tmp/log.JOB" bash -c 'echo the reason; exit $((JOB == 2 ? 7 : 0))'
  [ "$status" -eq 1 ]
  [[ "$output" == *"1 of 3 jobs failed"*"log.2"*"the reason"*"Ended with status 7"* ]]
}

@test "run.pl fails if a command inside a pipe fails" {
  run utils/run.pl "$tmp/log" false '|' cat
  [ "$status" -eq 1 ]
}

@test "run.pl refuses a log without the job's name, a bad range and an unknown option" {
  run utils/run.pl JOB=1:3 "$tmp/log" true
  [ "$status" -eq 1 ]
  [[ "$output" == *"must contain JOB"* ]]
  run utils/run.pl JOB=3:1 "$tmp/log.JOB" true
  [ "$status" -eq 1 ]
  run utils/run.pl --colour red "$tmp/log" true
  [ "$status" -eq 1 ]
  [[ "$output" == *"unknown option --colour"* ]]
}

@test "run.pl stopped by a signal stops its jobs" {
  utils/run.pl JOB=1:2 "$tmp/log.JOB" bash -c "sleep 30; touch $tmp/done.JOB" &
  runner=$!
  while [ ! -s "$tmp/log.2" ]; do sleep 0.05; done
  sleep 0.3
  kill -TERM "$runner"
  run wait "$runner"
  [ "$status" -ne 0 ]
  sleep 0.2
  run pgrep -f "touch $tmp/done"
  [ "$status" -ne 0 ]
}

@test "run.pl keeps to --max-jobs-run" {
  run utils/run.pl --max-jobs-run 1 JOB=1:3 "$tmp/log.JOB" \
    bash -c "[ ! -e $tmp/lock ] && touch $tmp/lock && sleep 0.1 && rm $tmp/lock"
  [ "$status" -eq 0 ]
}

@test "merge_scp.sh sorts, and refuses a key that is twice there" {
  printf 'b 2\n' > "$tmp/1"
  printf 'a 1\n' > "$tmp/2"
  run utils/merge_scp.sh "$tmp/out" "$tmp/1" "$tmp/2"
  [ "$status" -eq 0 ]
  [ "$(cat "$tmp/out")" = $'a 1\nb 2' ]
  run utils/merge_scp.sh "$tmp/twice" "$tmp/1" "$tmp/1"
  [ "$status" -eq 1 ]
  [[ "$output" == *"'b' is in more than one"* ]]
  [ ! -e "$tmp/twice" ]
}

@test "merge_scp.sh names a missing table" {
  run utils/merge_scp.sh "$tmp/out" "$tmp/absent"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no $tmp/absent"* ]]
}

make_data_dir() {
  mkdir -p "$tmp/data"
  printf 's1-a s1\ns1-b s1\ns2-a s2\n' > "$tmp/data/utt2spk"
  printf 's1 s1-a s1-b\ns2 s2-a\n' > "$tmp/data/spk2utt"
  printf 's1-a 1\ns1-b 1\ns2-a 2\n' > "$tmp/data/utt2fold"
  printf 's1-a word\ns1-b word\ns2-a word\n' > "$tmp/data/text"
}

@test "select_fold.sh parts training from test" {
  make_data_dir
  run utils/select_fold.sh --part train 2 "$tmp/data" "$tmp/train"
  [ "$status" -eq 0 ]
  [ "$(cut -d' ' -f1 "$tmp/train/utt2spk")" = $'s1-a\ns1-b' ]
  run utils/select_fold.sh --part test 2 "$tmp/data" "$tmp/test"
  [ "$(cut -d' ' -f1 "$tmp/test/utt2spk")" = "s2-a" ]
}

@test "select_fold.sh refuses a speaker on both sides and an unknown fold" {
  make_data_dir
  printf 's1-a 1\ns1-b 2\ns2-a 2\n' > "$tmp/data/utt2fold"
  run utils/select_fold.sh --part train 2 "$tmp/data" "$tmp/train"
  [ "$status" -eq 1 ]
  [[ "$output" == *"1 speakers are in fold 2 and in others, the first s1"* ]]
  run utils/select_fold.sh --part train 9 "$tmp/data" "$tmp/train"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no fold '9'; it has 1, 2"* ]]
}

@test "the wrappers of data-dir commands pass the failure on" {
  for script in combine_data copy_data_dir fix_data_dir split_data subset_data_dir validate_data_dir merge_jobs; do
    run "utils/$script.sh" "$tmp/absent"
    [ "$status" -ne 0 ]
  done
  run utils/validate_data_dir.sh --no-wav --no-feats "$tmp/absent"
  [ "$status" -eq 1 ]
  [[ "$output" == *"$tmp/absent"* ]]
}

@test "make_venv.sh refuses arguments and unknown options, and leaves a complete environment alone" {
  run utils/make_venv.sh argument
  [ "$status" -eq 1 ]
  run utils/make_venv.sh --colour red
  [ "$status" -eq 1 ]
  run utils/make_venv.sh
  [ "$status" -eq 0 ]
  [ -z "$output" ]
}

@test "make_venv.sh, asked by many jobs at once, installs once, and the others wait for it" {
  mkdir -p "$tmp/checkout/utils" "$tmp/checkout/.venv/bin"
  cp utils/make_venv.sh utils/parse_options.sh "$tmp/checkout/utils"
  cp pyproject.toml constraints.txt "$tmp/checkout"
  printf '%s\n' '#!/bin/sh' 'echo began >> installs; sleep 0.5; echo ended >> installs' > "$tmp/checkout/.venv/bin/python3"
  chmod +x "$tmp/checkout/.venv/bin/python3"
  cd "$tmp/checkout"
  for _ in 1 2 3 4; do utils/make_venv.sh & done
  wait
  [ "$(tr '\n' ' ' < installs)" = "began ended " ]
  echo "# changed" >> constraints.txt
  utils/make_venv.sh
  [ "$(wc -l < installs)" -eq 4 ]
}

@test "make_venv.sh says what to install where there is no usable Python" {
  mkdir -p "$tmp/checkout/utils" "$tmp/bin"
  cp utils/make_venv.sh utils/parse_options.sh "$tmp/checkout/utils"
  cp pyproject.toml constraints.txt "$tmp/checkout"
  for tool in bash cat cksum awk sed env dirname; do ln -s "$(command -v $tool)" "$tmp/bin/$tool"; done
  cd "$tmp/checkout"
  PATH=$tmp/bin run utils/make_venv.sh
  [ "$status" -eq 1 ]
  [[ "$output" == *"no Python 3.10 to 3.13"*"python3-venv"* ]]
}
