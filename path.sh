# shellcheck shell=bash
# Environment of every script, sourced from the repository root: . ./path.sh
export LC_ALL=C
utils/make_venv.sh || return 1
export PATH="$PWD/.venv/bin:$PATH"
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONUTF8=1
unset PYTHONSAFEPATH     # utils/run.pl and its like import their neighbours

# Says what happens, with the time, on standard error.
log() { echo "$(date '+%H:%M:%S') $*" >&2; }
# Lowers $nj to the number of utterances of a data dir.
limit_nj() {
  local most
  most=$(wc -l < "$1/utt2spk")
  [ "$nj" -le "$most" ] || { log "$1 has $most utterances: $most jobs instead of $nj"; nj=$most; }
}
# warn_once <text> <n> <log with JOB in its name>: a warning that has the text and that each of n jobs gave, once.
warn_once() {
  local job files=() warning
  for job in $(seq "$2"); do files+=("${3/JOB/$job}"); done
  warning=$(cat "${files[@]}" | grep -- "$1" | head -n 1 || true)
  [ -z "$warning" ] || log "$warning"
}
# Says what is wrong and how to mend it, and ends the script.
die() { echo "$0: $*" >&2; exit 1; }

# set_defaults <name> <conf> <train-jobs>: of those options of a recipe that were not given; then sets where its data
# and outputs lie. The toy corpora are made among its data.
# shellcheck disable=SC2034,SC2154  # toy and the options are the recipe's
set_defaults() {
  name=${name:-$1}
  conf=${conf:-$2}
  train_jobs=${train_jobs:-$3}
  data=data/$name
  exp=exp/$name
  if $toy; then corpora=$data/corpora; fi
}

# begin_run: makes $exp the folder of this run alone, notes the command line, and if check_inputs says so reads again
# all that the stages before the first one wrote.
# shellcheck disable=SC2154  # exp, stage, check_inputs and command_line are the recipe's
begin_run() {
  mkdir -p "$exp" || die "$exp: cannot be made; check the rights and the free space of its disk"
  lock_run
  if $check_inputs; then python3 -m ser.bin.check_stages "$exp" "$stage"; fi
  echo "$command_line" >> "$exp/commands.txt"
}

# Keeps other runs out of $exp while this one, or a job that it started, is alive: they inherit the lock, and it ends
# with the last of them. Then takes away the unfinished files of runs that were killed.
# shellcheck disable=SC2154  # exp and data are the recipe's
lock_run() {
  local lock=$exp/.lock
  { exec {lock_fd}>> "$lock"; } 2> /dev/null || die "$lock: cannot be written; check the folder's rights and its disk"
  flock --nonblock "$lock_fd" ||
    die "$exp: another run is at work in it ($(holders_of "$lock")); wait for its end, stop it, or take another --name"
  echo "process $$ on $(hostname)" > "$lock"
  find -H "$data" "$exp" -path "$exp/experiments" -prune -o -name '.*.tmp' -print0 2> /dev/null |
    xargs -0r rm -rf || true
}
# holders_of <lock>: the processes that hold it, if they are on this machine, else what the run itself wrote there.
holders_of() {
  local pids
  exec {lock_fd}>&-     # a function of a subshell, which is not one of them
  pids=$(find /proc/[0-9]*/fd -lname "$(realpath "$1")" 2> /dev/null | cut -d/ -f3 | sort -nu | grep -vx "$$" | xargs)
  if [ -n "$pids" ]; then echo "process ${pids// /, }"; else cat "$1"; fi
}

# begin_stage <n> <what it does>: says so. What the stage costs until the next begin_stage or end_stage goes to
# $exp/cost.tsv, in place of what it cost when it ran before; its files are looked for in $data and $exp.
running_stage=()
# shellcheck disable=SC2154  # exp and data are the recipe's
begin_stage() {
  end_stage
  log "Stage $1: $2"
  running_stage=("$1" "$2")
  mkdir -p "$exp/log"
  times > "$exp/log/stage_$1.began"
}
# Ends the stage that runs, if one does: what it wrote is noted in $exp/stages, for check_stages, and what it cost in
# $exp/cost.tsv. A stage that fails gets neither.
# shellcheck disable=SC2154
end_stage() {
  [ ${#running_stage[@]} -gt 0 ] || return 0
  times > "$exp/log/stage_${running_stage[0]}.ended"
  python3 -m ser.bin.record_stage --check-recordings "${check_inputs:-true}" \
    "$exp" "${running_stage[0]}" "$data" "$exp"
  python3 -m ser.bin.account_stage "$exp/cost.tsv" "${running_stage[@]}" "$exp/log" "$data" "$exp"
  running_stage=()
}
