# shellcheck shell=bash disable=SC2154
# Lets one run at a time work in a folder. Drivers source this after path.sh.

# Keeps other runs out of $exp while this run, or a job that it started, is alive: its processes inherit the lock, which
# ends with the last of them. Then removes the unfinished files of runs that were killed.
lock_run() {
  local lock=$exp/.lock
  { exec {lock_fd}>> "$lock"; } 2> /dev/null || die "$lock: cannot be written; check the folder's rights and its disk"
  flock --nonblock "$lock_fd" ||
    die "$exp: another run is at work in it ($(holders_of "$lock")); wait for its end, stop it, or take another --name"
  echo "process $$ on $(hostname)" > "$lock"
  find -H "$data" "$exp" -path "$exp/experiments" -prune -o -name '.*.tmp' -print0 2> /dev/null |
    xargs -0r rm -rf || true
}
# holders_of <lock>: prints the processes that hold it, if they are on this machine, else what the run wrote into it.
holders_of() {
  local pids
  exec {lock_fd}>&-     # this subshell inherited the lock too, but does not count
  pids=$(find /proc/[0-9]*/fd -lname "$(realpath "$1")" 2> /dev/null | cut -d/ -f3 | sort -nu | grep -vx "$$" | xargs)
  if [ -n "$pids" ]; then echo "process ${pids// /, }"; else cat "$1"; fi
}
