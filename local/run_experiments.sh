#!/usr/bin/env bash
# Makes a grid of experiments: every combination of the axes that a YAML declares, each artefact that several of them
# need made once, all that can run at once through $train_cmd and $cuda_cmd. Run it again, and it goes on where it
# stopped; what was finished with the same settings, inputs and code is not made again. A cell that failed is a row of
# the table that says so, with its log.
#
# It stands on a finished ./run.sh, which made the data dirs and pretrained the nets. Results, pictures and report are
# in exp/<run>/experiments/<name>; cells.tsv there names the folder of each cell, and note.tsv in a folder of artefacts/
# says what the artefact was made of.
#
# Usage: local/run_experiments.sh [options] <yaml>
#  e.g.: local/run_experiments.sh conf/toy/experiments.yaml       # after ./run.sh
#        local/run_experiments.sh --dry-run true conf/experiments.yaml
# Options: --dry-run true|false   only count what there is and what is left to make
#   --check-inputs true|false (true)   read again all that finished artefacts hold, and stop where a file has changed
set -euo pipefail
cd "$(dirname "$0")/.."

dry_run=false
check_inputs=true

command_line=$(printf "%q " "$0" "$@")
. utils/parse_options.sh
. ./path.sh
. ./cmd.sh
. utils/lock_run.sh
[ $# -eq 1 ] || { usage >&2; exit 1; }
config=$1

counts=$(python3 -m ser.bin.plan_experiments --dry-run true "$config")     # writes nothing, and says what is missing
if $dry_run; then
  echo "$counts"
  exit 0
fi
run=exp/$(awk '$1 == "run:" { print $2 }' "$config")
exp=$run/experiments/$(awk '$1 == "name:" { print $2 }' "$config")
mkdir -p "$exp"
data=$exp lock_run                                # two drivers would take each other's lists
python3 -m ser.bin.check_stages "$run" 8          # what the grid takes from the run is what the run wrote
python3 -m ser.bin.plan_experiments --check-inputs "$check_inputs" "$config" > /dev/null

# make_list <wave> nets|others <command wrapper>: a failure leaves the others of the list, and of later ones, alone. It
# ends as the wrapper, which a signal to this background job then reaches.
make_list() {
  local list=$exp/plan/$1.$2.list
  [ -f "$list" ] || exit 0
  log "Wave $1: $(sed 's|.*/||; s|-[^-]*$||' "$list" | sort | uniq -c | tr -s ' \n' ' ')"
  exec $3 JOB=1:"$(wc -l < "$list")" "$exp/log/$1.$2.JOB.log" utils/make_artefact.sh "$list" JOB
}

trap 'kill $(jobs -p) 2> /dev/null; wait; exit 143' INT TERM
wave=1
while compgen -G "$exp/plan/$wave.*.list" > /dev/null; do
  make_list "$wave" nets "$cuda_cmd" &
  make_list "$wave" others "$train_cmd" &
  wait
  wave=$((wave + 1))
done

if [ "$wave" -eq 1 ] && [ -f "$exp/results.tsv" ]; then
  log "Nothing to make; results: $exp/results.tsv"
  exit 0
fi
failed=$(python3 -m ser.bin.collect_experiments "$exp")
python3 -m ser.bin.make_results_table --allow-failed true "$exp" "@$exp/cells/list"
echo "$command_line" >> "$exp/commands.txt"
python3 -m ser.bin.make_protocol_card "@$exp/plan/card.args" "$exp"
log "Results: $exp/results.tsv; cells: $exp/cells.tsv"
steps/make_report.sh "$exp"
[ "$failed" -eq 0 ] ||
  die "$failed of $(wc -l < "$exp/cells/list") cells failed; the column status of $exp/results.tsv names the logs"
