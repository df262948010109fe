#!/usr/bin/env bash
# Makes one artefact of a list: runs its make.sh, with the output in its make.log, and marks it done last. One that is
# done is left alone; one that was cut off is gone on with; one of whose needs is not there fails, naming that one.
#
# Usage: utils/make_artefact.sh <list of folders> <line>
#  e.g.: utils/make_artefact.sh exp/toy/experiments/toy/plan/2.nets.list 1
set -euo pipefail

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }
dir=$(sed -n "$2p" "$1")
[ -f "$dir/make.sh" ] || die "line $2 of $1: no artefact '$dir'; local/run_experiments.sh writes the list"

# Jobs of a driver that was killed may still be at it: they hold the lock, and what they finish is done.
exec 9> "$dir/lock"
flock 9
[ ! -f "$dir/done" ] || exit 0
while read -r need; do
  [ -f "$(dirname "$dir")/$need/done" ] || die "$dir needs $need, which failed: $(dirname "$dir")/$need/make.log"
done < "$dir/needs"
bash "$dir/make.sh" > "$dir/make.log" 2>&1 || { tail -n 15 "$dir/make.log" >&2; die "$dir failed: $dir/make.log"; }
python3 -m ser.bin.finish_artefact "$dir"
