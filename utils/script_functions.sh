# shellcheck shell=bash
# Functions for all scripts: messages, and the number of jobs. path.sh sources this.

# Prints a message with the time on standard error.
log() { echo "$(date '+%H:%M:%S') $*" >&2; }
# Lowers $nj to the number of utterances of a data dir.
limit_nj() {
  local most
  most=$(wc -l < "$1/utt2spk")
  [ "$nj" -le "$most" ] || { log "$1 has $most utterances: $most jobs instead of $nj"; nj=$most; }
}
# warn_once <text> <n> <log, ending in JOB.log>: prints, once, the warning with this text from the logs of n jobs.
warn_once() {
  local job files=() warning
  for job in $(seq "$2"); do files+=("${3%JOB.log}$job.log"); done
  warning=$(cat /dev/null "${files[@]}" | grep -- "$1" | head -n 1 || true)
  [ -z "$warning" ] || log "$warning"
}
# die <fault and remedy>: prints the message and ends the script with status 1.
die() { echo "$0: $*" >&2; exit 1; }
