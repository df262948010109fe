# shellcheck shell=bash
# Environment of every script, sourced from the repository root: . ./path.sh
export LC_ALL=C
utils/make_venv.sh || return 1
export PATH="$PWD/.venv/bin:$PATH"
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONUTF8=1
unset PYTHONSAFEPATH     # utils/run.pl and its like import their neighbours
. utils/script_functions.sh
