#!/usr/bin/env bash
# Runs a grid of experiments: all combinations of the axes that a YAML file declares. An artefact that several
# experiments need is made once, and jobs run at the same time through $train_cmd and $cuda_cmd. A second call continues
# where the first one stopped; it keeps artefacts that were finished with the same settings, inputs and code. An
# experiment that failed has a row in the table, which names its log.
#
# It needs a finished ./run.sh, whose data dirs and pretrained nets it uses. Results, pictures and report are in
# exp/<run>/experiments/<name>. There, cells.tsv gives the folder of each experiment, and the note.tsv of each folder in
# artefacts/ tells what the artefact was made of.
#
# Usage: local/run_experiments.sh [options] <yaml>
#  e.g.: local/run_experiments.sh conf/toy/experiments.yaml       # after ./run.sh
#        local/run_experiments.sh --dry-run true conf/experiments.yaml
# Options: --dry-run true|false   only count what is finished and what is left to do
#   --check-inputs true|false (true)   read the files of all finished artefacts again, and stop if one has changed
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
grid=$(head -n 1 <<< "$counts")                    # exp/<run>/experiments/<name>
exp='' plan='' cells='' logs=''
lines=$(python3 -m ser.bin.print_folders -- "${grid#exp/}")
eval "$lines"
run=${exp%/experiments/*}
mkdir -p "$exp"
data=$exp lock_run                                # two drivers at once would overwrite each other's lists
python3 -m ser.bin.check_stages "$run" 8          # the files that the grid uses must be as the run wrote them
python3 -m ser.bin.plan_experiments --check-inputs "$check_inputs" "$config" > /dev/null

# make_list <wave> nets|others <command wrapper>: makes the artefacts of a list. One that fails does not stop the others.
# The last command is exec, so that a signal to this background job reaches the wrapper.
make_list() {
  local list=$plan/$1.$2.list
  [ -f "$list" ] || exit 0
  log "Wave $1: $(sed 's|.*/||; s|-[^-]*$||' "$list" | sort | uniq -c | tr -s ' \n' ' ')"
  exec $3 JOB=1:"$(wc -l < "$list")" "$logs/$1.$2.JOB.log" utils/make_artefact.sh "$list" JOB
}

trap 'kill $(jobs -p) 2> /dev/null; wait; exit 143' INT TERM
wave=1
while compgen -G "$plan/$wave.*.list" > /dev/null; do
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
python3 -m ser.bin.make_results_table --allow-failed true "$exp" "@$cells/list"
echo "$command_line" >> "$exp/commands.txt"
python3 -m ser.bin.make_protocol_card "@$plan/card.args" "$exp"
log "Results: $exp/results.tsv; cells: $exp/cells.tsv"
mapfile -t report < "$plan/report.args"
steps/make_report.sh "${report[@]}"
[ "$failed" -eq 0 ] ||
  die "$failed of $(wc -l < "$cells/list") cells failed; the column status of $exp/results.tsv names the logs"
