# shellcheck shell=bash
# What every script says and does in the same way; path.sh sources it.

# Says what happens, with the time, on standard error.
log() { echo "$(date '+%H:%M:%S') $*" >&2; }
# Lowers $nj to the number of utterances of a data dir.
limit_nj() {
  local most
  most=$(wc -l < "$1/utt2spk")
  [ "$nj" -le "$most" ] || { log "$1 has $most utterances: $most jobs instead of $nj"; nj=$most; }
}
# warn_once <text> <n> <log, ending in JOB.log>: a warning that has the text and that each of n jobs gave, once.
warn_once() {
  local job files=() warning
  for job in $(seq "$2"); do files+=("${3%JOB.log}$job.log"); done
  warning=$(cat "${files[@]}" | grep -- "$1" | head -n 1 || true)
  [ -z "$warning" ] || log "$warning"
}
# Says what is wrong and how to mend it, and ends the script.
die() { echo "$0: $*" >&2; exit 1; }
