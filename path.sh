# shellcheck shell=bash
# Environment of every script, sourced from the repository root: . ./path.sh
export LC_ALL=C
utils/make_venv.sh || exit 1
export PATH="$PWD/.venv/bin:$PATH"
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONUTF8=1

# Says what happens, with the time, on standard error.
log() { echo "$(date '+%H:%M:%S') $*" >&2; }
# Says what is wrong and how to mend it, and ends the script.
die() { echo "$0: $*" >&2; exit 1; }
