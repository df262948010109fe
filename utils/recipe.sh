# shellcheck shell=bash disable=SC2034,SC2154
# Options of every driver:
#   --stage <n>, --stop-stage <n>   first and last stage to run (all)
#   --dry-run true|false  print the jobs of these stages, and end
#   --estimate true|false print what each stage costs in disk space, CPU hours and GPU hours, and end
#   --rates <yaml>        measured speeds from which the estimate is computed, with their sources (conf/rates.yaml)
#   --check-disk true|false     refuse to run if the disk has less space free than the estimate (true)
#   --check-inputs true|false   first read all files of the stages before --stage again, and stop if one has changed
#                         (true)
#   --nj <n>              jobs that run at once (the number of cores, 32 at most)
#   --train-jobs <n>      trainings that run at once (one for each GPU, or as many as the CPU cores can run)
#   --num-threads <n>     threads of a training on the CPU (1); the last bits of a model depend on it
#   --seed <n>            seed of all trainings and drawn texts, in place of those in the settings; held-out
#                         speakers and noisy copies do not depend on it
#   --reproducible true|false   train on the CPU in one thread and without instructions that some processors lack. This is
#                         slower, and is to give the same bits on every x86-64 processor (false)
#   --name <name>         name of the run, which lies in data/<name> and exp/<name>
#   --conf <dir>          folder of the settings
#   --corpora <dir>       folder of the corpora, each under its usual name (conf/corpora.tsv)
#   --<corpus> <dir>      folder of one corpus that is elsewhere, such as --iemocap /corpora/IEMOCAP. If neither these
#                         options nor --corpora are given, the run makes and uses tiny synthetic corpora

# Functions and options that all drivers share. A driver sources this file before its own settings, and calls begin_recipe
# after parse_options.sh, path.sh and cmd.sh. ser/plan decides which corpora train which model, the folds, and the names
# of folders.
. utils/lock_run.sh

stage=0
stop_stage=99
dry_run=false
estimate=false
rates=conf/rates.yaml
check_disk=true
check_inputs=true
nj=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)     # nproc would print these variables instead of the cores
nj=$((nj < 32 ? nj : 32))
train_jobs=
num_threads=1
processes=1     # processes that share each minibatch of a training; only some drivers have it as an option
seed=
reproducible=false
name=
conf=
corpora=
toy=false
corpus_names=$(awk -F '\t' '!/^#/ && $1 != "name" { print $1 }' conf/corpora.tsv)
for corpus_name in $corpus_names; do printf -v "$corpus_name" ''; done
common_options=(stage stop_stage dry_run estimate rates check_disk check_inputs nj train_jobs num_threads seed reproducible
  name conf corpora)
for corpus_name in $corpus_names; do common_options+=("$corpus_name"); done
command_line=$(printf "%q " "$0" "$@")

# begin_recipe <system> <last stage> <conf> <toy name> [<argument>...]: sets the options that were not given and refuses
# bad ones. Then it prints a dry run or an estimate and ends the script, or it locks the run's folder and writes the plan
# of ser/plan/<system>.py.
begin_recipe() {
  local corpus lines
  system=$1
  [ $# -le 4 ] || die "unexpected argument '$5'; --help lists the options"
  toy=true
  for corpus in corpora $corpus_names; do if [ -n "${!corpus}" ]; then toy=false; fi; done
  if ! $toy; then
    name=${name:-$system} conf=${conf:-$3}
  else
    name=${name:-$4} conf=${conf:-${3/conf/conf/toy}}
  fi
  data='' exp='' plan='' cells='' audits='' logs='' toy_corpora=''
  lines=$(python3 -m ser.bin.print_folders -- "$name")
  eval "$lines"
  if $toy; then corpora=$toy_corpora; fi
  if [ "$stop_stage" = 99 ]; then stop_stage=$2; fi
  if $dry_run; then make_plan show; exit; fi
  if $estimate; then make_plan estimate; exit; fi
  if $reproducible; then
    num_threads=1
    lines=$(python3 -m ser.bin.print_pins)
    eval "$lines"
  fi
  make_plan check
  begin_run
  make_plan write
  # Trainings use a GPU if there is one, and --train-jobs run at once; those of $train_nets use a GPU for each process.
  cuda_jobs="$cuda_cmd ${train_jobs:+--max-jobs-run $train_jobs} --num-threads $num_threads"
  train_nets=$cuda_jobs
  launcher=python3
  if [ "$processes" -gt 1 ]; then
    train_nets+=" --num-threads $((num_threads * processes)) --gpu $processes"
    launcher="torchrun --standalone --nproc-per-node $processes"
  fi
}

# make_plan check|show|estimate|write: makes the plan from the driver's options. It is written again after the stage that
# makes the data dirs, since the folds are known only from them.
make_plan() {
  local option words=()
  # shellcheck disable=SC2086  # a list
  for option in $(printf '%s\n' $option_names | sort -u) toy; do words+=("--${option//_/-}=${!option}"); done
  python3 -m ser.bin.plan_run --do "$1" "$system" "${words[@]}"
}

# planned <kind>: prints the outputs of the jobs of this kind, one per line.
# num_jobs <kind>: sets `number` to the number of these jobs.
planned() { cat "$plan/$1.list"; }
num_jobs() {
  [ -f "$plan/$1.list" ] || die "no $plan/$1.list: '$1' is no kind of job of ser/plan/$system.py"
  number=$(wc -l < "$plan/$1.list")
}

# each_job <kind> <command or function> [<argument>...]: calls it for each job of this kind, one after the other; the
# job's own arguments follow those given here.
each_job() {
  local kind=$1 number arguments
  shift
  num_jobs "$kind"
  for number in $(seq "$number"); do
    mapfile -t arguments < "$plan/$kind.$number.args"
    "$@" "${arguments[@]}"
  done
}

# run_jobs <kind> "<wrapper>" <command> [<argument>...]: runs the jobs as a job array of a wrapper, such as $train_cmd or
# $cuda_jobs; the command reads the job's own arguments from a file. Logs are exp/<name>/log/<kind>.<n>.log.
run_jobs() {
  local kind=$1 cmd=$2 number
  shift 2
  num_jobs "$kind"
  [ "$number" -gt 0 ] || return 0
  log "$kind: $number jobs; progress in $logs/$kind.*.log"
  $cmd JOB=1:"$number" "$logs/$kind.JOB.log" "$@" "@$plan/$kind.JOB.args"
}

# run_short_jobs <kind> "<wrapper>" <module> [<argument>...]: the same for jobs that take less time than importing the
# libraries. Up to $nj processes run a share of the jobs each; the log of process n is exp/<name>/log/<kind>.<n>.log.
# Sets `shares` to the number of processes.
run_short_jobs() {
  local kind=$1 cmd=$2 number
  shift 2
  num_jobs "$kind"
  shares=$((number < nj ? number : nj))
  [ "$number" -gt 0 ] || return 0
  log "$kind: $number jobs in $shares processes; progress in $logs/$kind.*.log"
  $cmd JOB=1:"$shares" "$logs/$kind.JOB.log" \
    python3 -m ser.bin.run_share --share "JOB/$shares" "$plan" "$kind" "$@"
}

# make_cells <module> [<argument>...]: runs the jobs of the kind `cells` as short jobs. Each makes a folder in $cells,
# which becomes a row of the results; $cells/list names the folders.
make_cells() {
  rm -rf "$cells"
  run_short_jobs cells "$train_cmd" "$@"
  planned cells > "$cells/list"
}

# make_results <label map> [<option of make_protocol_card>...]: makes the table of the cells in $cells/list and the
# protocol card, and says which words were scored.
make_results() {
  python3 -m ser.bin.make_results_table "$exp" "@$cells/list"
  if [ -f "$plan/text_used.txt" ]; then
    cp "$plan/text_used.txt" "$exp/text_used.txt"
    while read -r line; do log "Text of $line"; done < "$exp/text_used.txt"
  fi
  each_job card python3 -m ser.bin.make_protocol_card --label-map "$@"
}

# begin_run: makes and locks the folder $exp, appends the command line to its commands.txt, and, with check_inputs, checks
# that the files of earlier stages are unchanged.
begin_run() {
  mkdir -p "$exp" || die "$exp: cannot be made; check the rights and the free space of its disk"
  lock_run
  if $check_inputs; then python3 -m ser.bin.check_stages "$exp" "$stage"; fi
  echo "$command_line" >> "$exp/commands.txt"
}

# begin_stage <n> <what it does>: logs the beginning of a stage, which lasts until the next begin_stage or end_stage.
running_stage=()
begin_stage() {
  end_stage
  log "Stage $1: $2"
  running_stage=("$1" "$2")
  mkdir -p "$logs"
  times > "$logs/stage_$1.began"
}
# end_stage: ends the running stage, if there is one. The files that it wrote in $data and $exp are listed in $exp/stages,
# for check_stages; its costs replace those of an earlier run of the stage in $exp/cost.tsv. A stage that fails does not
# get here.
end_stage() {
  [ ${#running_stage[@]} -gt 0 ] || return 0
  times > "$logs/stage_${running_stage[0]}.ended"
  python3 -m ser.bin.record_stage --check-recordings "${check_inputs:-true}" \
    "$exp" "${running_stage[0]}" "$data" "$exp"
  python3 -m ser.bin.account_stage "$exp/cost.tsv" "${running_stage[@]}" "$logs" "$data" "$exp"
  running_stage=()
}
