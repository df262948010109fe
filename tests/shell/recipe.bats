#!/usr/bin/env bats
# shellcheck disable=SC2016  # the driver's own shell is to expand it
# What drivers share: the plan and its jobs, GPUs, names of runs.

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || exit 1
  tmp=$BATS_TEST_TMPDIR
  mkdir -p "$tmp/plan"
}

# driver <shell>: runs it as a driver does, with a plan in $tmp/plan and a machine of four GPUs.
driver() {
  printf '%s\n' '#!/bin/sh' 'printf "GPU %d: stand-in\n" 0 1 2 3' > "$tmp/nvidia-smi"
  chmod +x "$tmp/nvidia-smi"
  env -u CUDA_VISIBLE_DEVICES PATH="$tmp:$PATH" bash -c 'set -euo pipefail
    . utils/recipe.sh; . ./path.sh; . ./cmd.sh; exp=$0 plan=$0/plan logs=$0/log data=$0/data; '"$1" "$tmp"
}

# plan_jobs <kind> <arguments of a job> ...
plan_jobs() {
  local kind=$1 number=0
  shift
  : > "$tmp/plan/$kind.list"
  while [ $# -gt 0 ]; do
    number=$((number + 1))
    printf '%s\n' "$1" > "$tmp/plan/$kind.$number.args"
    echo "$tmp/${kind}_$number" >> "$tmp/plan/$kind.list"
    shift
  done
}

@test "four trainings on four GPUs get a GPU each, side by side, and --train-jobs limits them" {
  plan_jobs finetune 1 2 3 none
  # A training that ends only when all four run at once, and says which GPU it has.
  cat > "$tmp/train" <<'SCRIPT'
folder=$1 count=$2 arguments=${3#@}
echo "$CUDA_VISIBLE_DEVICES" > "$folder/gpu.$(cat "$arguments")"
for _ in $(seq 100); do [ "$(find "$folder" -name 'gpu.*' | wc -l)" -lt "$count" ] || exit 0; sleep 0.1; done
exit 1
SCRIPT
  driver "run_jobs finetune \"\$cuda_cmd\" bash $tmp/train $tmp 4"
  [ "$(cat "$tmp"/gpu.* | sort | tr '\n' ' ')" = "0 1 2 3 " ]
  echo 'mkdir "$1/busy" && sleep 0.2 && rmdir "$1/busy"' > "$tmp/train"      # fails beside another
  driver "run_jobs finetune \"\$cuda_cmd --max-jobs-run 1\" bash $tmp/train $tmp"
}

@test "each_job gives a function the arguments of each job, white space and all, and stops where one fails" {
  plan_jobs parts $'a b\nc' $'d\n'
  run driver 'show() { printf "<%s>" "$@"; }; each_job parts show first'
  [ "$output" = "<first><a b><c><first><d><>" ]
  plan_jobs parts good bad never
  run driver 'try() { echo "$1"; [ "$1" != bad ]; }; each_job parts try'
  [ "$status" -ne 0 ]
  [ "$output" = $'good\nbad' ]
}

@test "short jobs share as many processes as --nj says, each job runs once, and one that fails is named" {
  plan_jobs short $'x\n1' $'x\n2' $'x\n3'
  printf '%s\n' 'import sys' 'def main(): print(*sys.argv[1:], *open(sys.argv[-1][1:]).read().split())' > "$tmp/told.py"
  PYTHONPATH=$tmp driver 'nj=2; run_short_jobs short "$train_cmd" told first; [ "$shares" = 2 ]'
  [ "$(grep -hc '^first' "$tmp/log/short.1.log" "$tmp/log/short.2.log" | tr '\n' ' ')" = "2 1 " ]
  grep -q "^first @$tmp/plan/short.2.args x 2" "$tmp/log/short.2.log"
  printf '%s\n' 'from ser.errors import SerError' 'def main(): raise SerError("no table")' > "$tmp/told.py"
  PYTHONPATH=$tmp run driver 'nj=1; run_short_jobs short "$train_cmd" told'
  [ "$status" -ne 0 ]
  [[ "$output" == *"short 1: no table"* ]]
}

@test "--nj is the number of cores by default, whatever threads a user's shell allows numerical libraries" {
  OMP_NUM_THREADS=1000 run driver 'echo "$nj"'
  [ "$output" -le "$(env -u OMP_NUM_THREADS nproc)" ]
  local cores
  cores=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)
  OMP_NUM_THREADS=1 OMP_THREAD_LIMIT=1 run driver 'echo "$nj"'
  [ "$output" = "$((cores < 32 ? cores : 32))" ]
}

@test "a kind without jobs runs nothing" {
  plan_jobs none
  run driver 'each_job none false; run_jobs none "$train_cmd" false; run_short_jobs none "$train_cmd" x; planned none'
  [ "$status" -eq 0 ]
  [ -z "$output" ]
}

@test "a kind that the plan does not have is refused, and is no kind without jobs" {
  for call in "each_job typo echo ran" "run_jobs typo utils/run.pl echo ran" "run_short_jobs typo utils/run.pl ran"; do
    run driver "system=vgg_bert; $call"
    [ "$status" -eq 1 ]
    [[ "$output" == *"'typo' is no kind of job of ser/plan/vgg_bert.py"* ]]
  done
}

@test "no word inside a name is replaced: runs may be called 5FOLD and JOB1" {
  for name in 5FOLD JOB1; do
    [ ! -e "exp/$name" ]
    run ./run.sh --name "$name" --dry-run true
    [ "$status" -eq 0 ]
    [[ "$output" == *"exp/$name/finetune_1"* ]]
    utils/run.pl JOB=1:2 "$tmp/$name/log/JOB_a.JOB.log" echo "JOB $tmp/$name/JOB" '>' "$tmp/$name/out.JOB"
    [ "$(cat "$tmp/$name/out.2")" = "2 $tmp/$name/2" ]
    [ -f "$tmp/$name/log/1_a.1.log" ]
    mkdir -p "$tmp/$name/JOB1"
    printf 'a a\nb b\n' > "$tmp/$name/JOB1/utt2spk"
    for number in 1 2; do sed -n "${number}p" "$tmp/$name/JOB1/utt2spk" > "$tmp/$name/JOB1/part.$number"; done
    utils/merge_jobs.sh "$tmp/$name/JOB1" 2 "$tmp/$name/JOB1/part.JOB:merged"
    cmp "$tmp/$name/JOB1/utt2spk" "$tmp/$name/JOB1/merged"
    [ ! -e "exp/$name" ]
  done
  run ./run.sh --name JOB --dry-run true
  [ "$status" -eq 1 ]
  [[ "$output" == *"'JOB' has the word JOB"* ]]
}

@test "--dry-run prints the jobs of the stages that would run, and leaves nothing" {
  run ./run.sh --name "bats_$$" --dry-run true --stop-stage 1
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 10 ]
  [[ "${lines[0]}" == "stage  kind"*"makes"*"from" ]]
  [[ "${lines[9]}" == "1 "*features*iemocap*"data/bats_$$/iemocap_no_sil"*"data/bats_$$/iemocap" ]]
  [ ! -e "exp/bats_$$" ]
  [ ! -e "data/bats_$$" ]
}

@test "--modalities text plans no net of speech, --pretrain nothing pretrains nothing" {
  run ./run.sh --name "bats_$$" --dry-run true --modalities text
  [ "$status" -eq 0 ]
  [[ "$output" != *pretrain* && "$output" != *finetune* && "$output" != *features* && "$output" == *text_none* ]]
  run ./run.sh --name "bats_$$" --dry-run true --pretrain ""
  [ "$status" -eq 0 ]
  [[ "$output" != *pretrain* && "$output" == *finetune_none* && "$output" != *musan* ]]
}

@test "--only plans one corpus, its sessions left out in turn, without any other" {
  run ./run.sh --name "bats_$$" --dry-run true --only iemocap --iemocap "$tmp" --label-map conf/emotions/four.map
  [ "$status" -eq 0 ]
  [[ "$output" != *cremad* && "$output" != *voxceleb* && "$output" != *dailydialog* && "$output" != *finetune_none* ]]
  [[ "$output" == *"$tmp"*"exp/bats_$$/finetune_5"* ]]
}

@test "--help prints the driver's options and then those of every driver" {
  run ./run.sh --help
  [ "$status" -eq 0 ]
  [[ "$output" == *"--pretrain, --finetune"*"Options of every driver:"*"--train-jobs <n>"* ]]
  [[ "$output" != *"shellcheck"* ]]
}

@test "a driver of no system is refused by plan_run" {
  run driver 'python3 -m ser.bin.plan_run nothing --stage=0'
  [ "$status" -eq 1 ]
  [[ "$output" == *"no system 'nothing': there is no ser/plan/nothing.py"* ]]
}
