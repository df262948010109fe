#!/usr/bin/env bats
# One run at a time in a folder: the lock is that of living processes, not of a file.

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || exit 1
  tmp=$BATS_TEST_TMPDIR
  mkdir -p "$tmp/data" "$tmp/exp"
}

# A run that locks the folder and then does something.
locked() { bash -c 'set -eu; . ./path.sh; . utils/lock_run.sh; data=$0/data exp=$0/exp; lock_run; '"$1" "$tmp"; }

@test "a second run is refused, with the folder and the process of the first" {
  locked "sleep 5" 3>&- &
  until [ -s "$tmp/exp/.lock" ]; do sleep 0.05; done
  run locked true
  [ "$status" -eq 1 ]
  [[ "$output" == *"$tmp/exp: another run is at work in it (process "*"); wait for its end"* ]]
  holder=$(cut -d" " -f2 "$tmp/exp/.lock")
  [[ "$output" == *" $holder"[,\)]* ]]
  kill "$holder"
}

@test "a killed run holds no lock, but its jobs do while they live" {
  locked "utils/run.pl $tmp/job.log sleep 2 & wait" 3>&- &
  until grep -q Started "$tmp/job.log" 2> /dev/null; do sleep 0.05; done
  kill -9 "$(cut -d" " -f2 "$tmp/exp/.lock")"
  run locked true
  [ "$status" -eq 1 ]
  sleep 2.5
  run locked true
  [ "$status" -eq 0 ]
}

@test "what a killed run left half written is taken away, but not that of a grid" {
  mkdir -p "$tmp/data/.cremad.x1.tmp" "$tmp/exp/experiments"
  touch "$tmp/data/.cremad.x1.tmp/utt2spk" "$tmp/exp/.table.x2.tmp" "$tmp/exp/experiments/.table.x3.tmp"
  locked true
  [ ! -e "$tmp/data/.cremad.x1.tmp" ]
  [ ! -e "$tmp/exp/.table.x2.tmp" ]
  [ -e "$tmp/exp/experiments/.table.x3.tmp" ]
}
