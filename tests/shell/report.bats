#!/usr/bin/env bats
# The report's script, and the costs of stages that it shows.

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || exit 1
  tmp=$BATS_TEST_TMPDIR
}

@test "make_report.sh makes a page of a folder with nothing in it, and says what is missing" {
  mkdir "$tmp/run"
  steps/make_report.sh "$tmp/run"
  grep -q 'No results.tsv' "$tmp/run/report.html"
}

@test "make_report.sh refuses a folder that is not there, and writes nothing" {
  run steps/make_report.sh "$tmp/nowhere"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no folder $tmp/nowhere"* ]]
  [ ! -e "$tmp/nowhere" ]
}

@test "make_report.sh with a test dir needs cells for the page of errors, and refuses an unknown choice of clips" {
  mkdir "$tmp/run"
  steps/make_report.sh --test-dir "$tmp" "$tmp/run"
  [ ! -e "$tmp/run/errors.html" ]
  # A table of results whose cells are gone has a report all the same.
  python3 - "$tmp/run/results.tsv" <<'PYTHON'
import sys
from ser.results.result_table import OK, Result, to_tsv
names = dict(system="x", train="a", test="b", fold="all", variant="-", seed="0", text="-", layer="l", modality="speech")
row = Result(**names, backend="plda", lda_dim=None, held_out="-", status=OK, utts=9, trials=9, eer=30.0, uar=50.0)
open(sys.argv[1], "w").write(to_tsv([row]))
PYTHON
  steps/make_report.sh --test-dir "$tmp" "$tmp/run"
  [ -s "$tmp/run/report.html" ] && [ ! -e "$tmp/run/errors.html" ]
  mkdir "$tmp/run/cells"
  echo "$tmp/run/cells/x" > "$tmp/run/cells/list"
  run steps/make_report.sh --test-dir "$tmp" --audio some "$tmp/run"
  [ "$status" -ne 0 ]
  [[ "$output" == *"invalid choice: 'some'"* ]]
}

@test "make_report.sh fails on a broken table, and names it" {
  mkdir "$tmp/run"
  printf 'stage\twall_s\n3\n' > "$tmp/run/cost.tsv"
  run steps/make_report.sh "$tmp/run"
  [ "$status" -eq 1 ]
  [[ "$output" == *"$tmp/run/cost.tsv:2: expected 2 fields, found 1"* ]]
  [ ! -e "$tmp/run/report.html" ]
}

@test "make_report.sh prints its header for --help, and its usage without an argument" {
  run steps/make_report.sh --help
  [ "$status" -eq 0 ]
  [[ "$output" == *"Usage: steps/make_report.sh [options] <exp-dir>"* ]]
  run steps/make_report.sh
  [ "$status" -eq 1 ]
  [[ "$output" == *"Usage: steps/make_report.sh [options] <exp-dir>"* ]]
}

# recipe <first stage> <command>: a recipe of two stages; the first burns CPU time in a job, the second writes 2 MiB and
# ends with a command.
recipe() {
  cat > "$tmp/recipe.sh" <<'SCRIPT'
set -euo pipefail
. utils/recipe.sh
. ./path.sh
data=$1/data exp=$1/exp logs=$1/exp/log
mkdir -p "$data"
if [ "$2" -le 1 ]; then
  begin_stage 1 "a job"
  utils/run.pl "$exp/log/job.log" head -c 100000000 /dev/zero '|' sha256sum
fi
begin_stage 2 "a file"
head -c 2097152 /dev/zero > "$data/file"
"$3"
end_stage
SCRIPT
  bash "$tmp/recipe.sh" "$tmp" "$@"
}

@test "a recipe's stages leave their costs, and run again replace them" {
  recipe 1 true
  [ "$(cut -f 1-2 "$tmp/exp/cost.tsv" | tr '\t\n' ' ;')" = "stage what;1 a job;2 a file;" ]
  awk -F '\t' '$1 == 1 { exit !($3 > 0 && $4 > 0 && $5 > 0) }' "$tmp/exp/cost.tsv"
  [ "$(awk -F '\t' '$1 == 2 { print $5, $6 }' "$tmp/exp/cost.tsv")" = "- 2.0" ]
  recipe 2 true
  [ "$(wc -l < "$tmp/exp/cost.tsv")" -eq 3 ]
}

@test "a stage that fails leaves no cost" {
  run recipe 1 false
  [ "$status" -eq 1 ]
  [ "$(cut -f 1 "$tmp/exp/cost.tsv" | tr '\n' ' ')" = "stage 1 " ]
}
