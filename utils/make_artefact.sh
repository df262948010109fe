#!/usr/bin/env bash
# Makes one artefact of a list: runs its make.sh, with the output in its make.log, and at the end marks it as done. Does
# nothing if it is done already; continues if it was cut off; fails if an artefact that it needs is not done, and names
# that artefact.
#
# Usage: utils/make_artefact.sh <list of folders> <line>
#  e.g.: utils/make_artefact.sh exp/toy/experiments/toy/plan/2.nets.list 1
set -euo pipefail

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }
dir=$(sed -n "$2p" "$1")
[ -f "$dir/make.sh" ] || die "line $2 of $1: no artefact '$dir'; local/run_experiments.sh writes the list"

# A job of a driver that was killed may still be making it. Wait for its lock; the artefact may then be done.
exec 9> "$dir/lock"
flock 9
[ ! -f "$dir/done" ] || exit 0
while read -r need; do
  [ -f "$(dirname "$dir")/$need/done" ] || die "$dir needs $need, which failed: $(dirname "$dir")/$need/make.log"
done < "$dir/needs"
bash "$dir/make.sh" > "$dir/make.log" 2>&1 || { tail -n 15 "$dir/make.log" >&2; die "$dir failed: $dir/make.log"; }
python3 -m ser.bin.finish_artefact "$dir"
