#!/usr/bin/env bash
# Runs a command with SLURM or Grid Engine up: one node, this machine. All of it is in network, process and mount
# namespaces of its own, so that nothing listens outside, outlives the command or is changed on the machine. Needs root.
# The command finds the scheduler's kind in $SER_SCHEDULER and its files (pid files, logs) in $SER_SCHEDULER_STATE.
#
# Usage: tests/cluster/with_scheduler.sh [--install true] slurm|sge <command> [<argument>...]
#  e.g.: tests/cluster/with_scheduler.sh slurm python3 -m pytest tests/cluster
# Options: --install true|false (false)   first installs the scheduler's packages (Debian, Ubuntu) where they are missing
# The exit status is the command's, or 3 if the scheduler did not come up.
set -euo pipefail

install=false

. utils/parse_options.sh
if [ $# -lt 2 ] || [[ ! "$1" =~ ^(slurm|sge)$ ]]; then usage >&2; exit 1; fi
kind=$1
# shellcheck source=tests/cluster/slurm.sh
. "tests/cluster/$kind.sh"

if $install && ! command -v "$command_of_kind" > /dev/null; then
  [ "$kind" = slurm ] || answer_questions
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" > /dev/null
fi
command -v "$command_of_kind" > /dev/null || { echo "$0: no $command_of_kind here; --install true installs it" >&2; exit 3; }
if [ "${SER_SCHEDULER:-}" != "$kind" ]; then
  SER_SCHEDULER=$kind exec unshare --net --pid --fork --kill-child --mount-proc "$0" "$@"
fi
shift

# wait_for <command>: until it succeeds, at most 60 s.
wait_for() {
  local end=$((SECONDS + 60))
  until "$@" > /dev/null 2>&1; do [ "$SECONDS" -lt "$end" ] || return 1; sleep 0.2; done
}
# stop_daemon <name> <pid file>: ends it, in 10 s by force. The name guards against a number that another process has now.
stop_daemon() {
  local pid
  pid=$(cat "$2" 2>/dev/null) || return 0
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ] || return 0
  kill "$pid"
  for _ in {1..100}; do kill -0 "$pid" 2>/dev/null || return 0; sleep 0.1; done
  kill -KILL "$pid"
}

state=$(mktemp -d)
export SER_SCHEDULER_STATE=$state
trap 'stop_scheduler; rm -rf --one-file-system "$state"' EXIT
trap 'exit 143' TERM INT HUP
chmod 755 "$state"
ip link set lo up
# Where 127.0.0.1 is the only address, getaddrinfo(AI_ADDRCONFIG), which SLURM uses, resolves nothing at all.
ip address add 127.0.0.2/8 dev lo
{ echo "127.0.0.1 $(hostname -s)"; cat /etc/hosts; } > "$state/hosts"
mount --bind "$state/hosts" /etc/hosts
start_scheduler
wait_for scheduler_is_ready || { echo "$0: $kind did not come up in 60 s; see its logs in $state" >&2; trap - EXIT; exit 3; }
"$@"
