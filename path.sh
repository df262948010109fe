# shellcheck shell=bash
# Environment of every script, sourced from the repository root: . ./path.sh
export LC_ALL=C
utils/make_venv.sh || return 1
export PATH="$PWD/.venv/bin:$PATH"
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONUTF8=1

# Says what happens, with the time, on standard error.
log() { echo "$(date '+%H:%M:%S') $*" >&2; }
# Lowers $nj to the number of utterances of a data dir.
limit_nj() {
  local most
  most=$(wc -l < "$1/utt2spk")
  [ "$nj" -le "$most" ] || { log "$1 has $most utterances: $most jobs instead of $nj"; nj=$most; }
}
# Says what is wrong and how to mend it, and ends the script.
die() { echo "$0: $*" >&2; exit 1; }
