#!/usr/bin/env bash
# Runs every check of the project: ruff, mypy, shellcheck, the shell tests (bats), the Python tests with doctests, and the
# recipe end to end on the toy corpora. Where shellcheck or bats are missing it says so and goes on, but with CI=true
# that is a failure.
#
# Usage: tests/check.sh [--full true|false]
# Options: --full true|false (false)  also the job wrappers and the toy run on real schedulers (SLURM and Grid Engine,
#   where they are installed; with CI=true SLURM has to be); needs root
set -euo pipefail
cd "$(dirname "$0")/.."

full=false

. utils/parse_options.sh
utils/make_venv.sh --extras test
. ./path.sh
[ $# -eq 0 ] || { usage >&2; exit 1; }

failed=()
check() {
  local what=$1 start=$SECONDS
  shift
  log "check: $what"
  if "$@"; then
    log "check: $what: passed in $((SECONDS - start)) s"
  else
    failed+=("$what")
    log "check: $what: FAILED"
  fi
}
check_if_installed() {
  if command -v "$2" > /dev/null; then
    check "$@"
  elif [ "${CI:-}" = true ]; then
    failed+=("$1")
    log "check: $1: FAILED: $2 is not installed; install it (Debian: apt-get install $2)"
  else
    log "check: $1: not run: $2 is not installed (Debian: apt-get install $2)"
  fi
}

# The shell tests run beside the checks of one core and the Python tests; their result is shown where they end.
shell_log=$(mktemp)
trap 'kill "${shell_tests:-}" 2> /dev/null || true; rm -f "$shell_log"' EXIT
if command -v bats > /dev/null; then
  bats --jobs 1 tests/shell > "$shell_log" 2>&1 &
  shell_tests=$!
fi
finish_shell_tests() {
  local status=0
  wait "$shell_tests" || status=$?
  cat "$shell_log"
  return "$status"
}

mapfile -t scripts < <(git ls-files --cached --others --exclude-standard '*.sh' '*.bats' .ci/run)
check "formatting (ruff format)" ruff format --quiet --check ser tests utils/*.p[ly]
check "ruff" ruff check --quiet ser tests utils/*.p[ly]
check "types (mypy)" python3 -m mypy
check_if_installed "shellcheck" shellcheck -x "${scripts[@]}"
# The workers begin with the longest files, the recipes; pytest-xdist would take these, which have few tests, last.
check "Python tests and doctests" python3 -m pytest -n 2 --dist loadfile --no-loadscope-reorder ser tests
if [ -n "${shell_tests:-}" ]; then check "shell tests (bats)" finish_shell_tests
else check_if_installed "shell tests (bats)" bats; fi

check_on_scheduler() { check "$1" tests/cluster/with_scheduler.sh "$2" python3 -m pytest -rs tests/cluster; }
if $full; then
  if [ "${CI:-}" = true ] || command -v sbatch > /dev/null; then check_on_scheduler "on SLURM" slurm
  else log "check: on SLURM: not run: no sbatch here; tests/cluster/with_scheduler.sh --install true slurm true"; fi
  if command -v qsub > /dev/null; then check_on_scheduler "on Grid Engine" sge
  else log "check: on Grid Engine: not run: no qsub here; tests/cluster/with_scheduler.sh --install true sge true"; fi
  check "damaged files (fuzz)" python3 -m pytest tests/fuzz --hypothesis-profile fixed
  # All three toy corpora and their diagonal; the Python tests run two of them, without it.
  check "across corpora" local/run_cross_corpus.sh --name check_cross_corpus --nj 2 --train-jobs 2
  # Few of them; docs/reliability.md has the call for all, and the other drivers (--driver b, c, d, cross, grid).
  check "faults" python3 tests/faults/inject_faults.py --driver a --kills 4 --minutes 5
fi

if [ ${#failed[@]} -gt 0 ]; then
  log "failed: $(printf '%s; ' "${failed[@]}")"
  exit 1
fi
log "all checks passed in $SECONDS s"
