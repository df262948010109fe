#!/usr/bin/env bash
# System D: a VGG CNN on log mel energies and a BERT on the transcripts, fused late by their class probabilities.
# J. Zhou, P. Sibal, R. Bernard, S. Mallikarjuna, S. Mallick, "A multi-modal approach to speech emotion recognition".
#
# Without corpora it runs on the toy ones, in data/toy_vgg_bert and exp/toy_vgg_bert. Two protocols: `random`, the
# paper's split of 70 % training, 20 % validation and 10 % test by utterances, whose parts share speakers and dialogues
# (exp/<name>/audit/random.tsv counts them), and `folds`, each fold of the corpus scored by models of the others, of
# which the next one validates. The column `variant` of the results tells them apart. Validation picks every epoch.
# Beside it stand two yardsticks that hear the dialogue, bc-LSTM and ICON, on the embeddings of the same models.
# Utterances without words are scored by speech.
#
#   local/run_vgg_bert.sh
#   local/run_vgg_bert.sh --iemocap /corpora/IEMOCAP_full_release --nj 32
#   local/run_vgg_bert.sh --corpora ../shared/corpora --test ravdess --conf conf/ravdess/vgg_bert \
#     --label-map conf/emotions/collapsed5.map --modalities speech --protocols folds --yardsticks ""
#
# Options:
#   --stage <n>, --stop-stage <n>   stages to run, 0 to 7
#   --check-inputs true|false   whether the run begins by reading again all that the stages before --stage wrote (true)
#   --estimate true|false   print what each stage costs in disk, CPU hours and GPU hours, and end; conf/rates.yaml says
#                         how that is known
#   --check-disk true|false   whether the run begins by refusing a disk that has less free than that (true)
#   --nj <n>              jobs that run at once (the number of cores, 32 at most)
#   --train-jobs <n>      trainings that run at once, one for each fold (on the toy corpora as many as --nj, else 1)
#   --num-threads <n>     of a training on the CPU (1); the last bits of a model depend on it
#   --name <name>         of the run: data/<name>, exp/<name> (toy_vgg_bert or vgg_bert)
#   --corpora <dir>       folder of the corpora; or the corpus by itself:
#   --iemocap <dir>  --ravdess <dir>
#   --test <corpus>       that is split, iemocap or ravdess
#   --protocols "folds random"
#   --split-seed <n>      of the random split (0)
#   --copies "<kind> ..." distorted copies of the training part, of "white pitch stretch shift"; "" for none
#   --modalities "speech text speech+text"   the last is the fusion
#   --yardsticks "bc_lstm icon"   networks that hear the dialogue; "" for none
#   --yardstick-modalities "<modality> ..."   of theirs (on the toy corpora the fusion, else --modalities)
#   --soft-targets true|false     train on the shares of the annotators' votes
#   --label-map <file>    the corpus's labels to the classes
#   --text-model <name on the Hub, or folder>, such as roberta-base
#   --conf <dir>          folder of the settings: logmel, vgg, bert, fusion, bc_lstm and icon.yaml
#   --rates <yaml>        what the estimate reckons with
# shellcheck disable=SC2046,SC2086  # lists split into words
set -euo pipefail
cd "$(dirname "$0")/.."

stage=0
stop_stage=7
check_inputs=true
estimate=false
check_disk=true
rates=conf/rates.yaml
nj=$(($(nproc) < 32 ? $(nproc) : 32))
num_threads=1
train_jobs=
name=
corpora=
iemocap=
ravdess=
test=iemocap
protocols="folds random"
split_seed=0
copies="white pitch stretch shift"
modalities="speech text speech+text"
yardsticks="bc_lstm icon"
yardstick_modalities=
soft_targets=false
label_map=conf/emotions/vgg_bert5.map
text_model=
conf=

command_line=$(printf "%q " "$0" "$@")
. utils/parse_options.sh
. ./path.sh
. ./cmd.sh
[ $# -eq 0 ] || die "unexpected argument '$1'; --help lists the options"
. local/roles.sh
. local/vgg_bert.sh

toy=false
[ -n "$corpora$iemocap$ravdess" ] || toy=true
if $toy; then
  set_defaults toy_vgg_bert conf/toy/vgg_bert "$nj"
  yardstick_modalities=${yardstick_modalities:-${modalities##* }}
else
  set_defaults vgg_bert conf/vgg_bert 1
  yardstick_modalities=${yardstick_modalities:-$modalities}
fi
check_options
if $estimate; then estimate_cost; exit; fi
if $check_disk; then estimate_cost --free; fi
begin_run
labelled=$data/${test}_classes

if [ "$stage" -le 0 ] && [ "$stop_stage" -ge 0 ]; then
  begin_stage 0 "data dir in $data"
  if $toy; then local/prepare_toy.sh "$corpora"; fi
  "local/prepare_$test.sh" "$(folder_of "$test")" "$data/$test"
fi

if [ "$stage" -le 1 ] && [ "$stop_stage" -ge 1 ]; then
  begin_stage 1 "classes, log mel energies; training, validation and test parts, copies of the training part"
  utils/apply_label_map.sh "$label_map" "$data/$test" "$labelled"
  steps/make_logmel.sh --nj "$nj" --cmd "$train_cmd" --config "$conf/logmel.yaml" "$labelled"
  mkdir -p "$exp/audit"
  for fold in $(list_folds); do
    split_parts "$fold"
    audit_parts "$fold"
    if [ -z "$copies" ]; then
      utils/copy_data_dir.sh "$data/train_$fold" "$data/clips_$fold"
    else
      steps/distort_data_dir.sh --kinds "$copies" "$data/train_$fold" "$data/copies_$fold"
      steps/make_logmel.sh --nj "$nj" --cmd "$train_cmd" --config "$conf/logmel.yaml" "$data/copies_$fold"
      utils/combine_data.sh "$data/clips_$fold" "$data/train_$fold" "$data/copies_$fold"
    fi
  done
fi

if [ "$stage" -le 2 ] && [ "$stop_stage" -ge 2 ] && uses speech; then
  begin_stage 2 "VGG nets, their embeddings and class probabilities"
  each_fold steps/train_vgg.sh --cmd "$cuda_cmd" --num-threads "$num_threads" --config "$conf/vgg.yaml" \
    --label-map "$label_map" --soft-targets "$soft_targets" "$data/clips_FOLD" "$data/valid_FOLD" "$exp/vgg_FOLD"
  each_fold $train_cmd "$exp/vgg_FOLD/log/extract.log" \
    python3 -m ser.bin.extract_vgg_embeddings --num-threads "$num_threads" \
    --done "$exp/embeddings_FOLD/speech.done" "$exp/vgg_FOLD" "$labelled" \
    "ark,scp:$exp/embeddings_FOLD/speech.ark,$exp/embeddings_FOLD/speech.scp"
  compute_posteriors vgg speech
fi

if [ "$stage" -le 3 ] && [ "$stop_stage" -ge 3 ] && uses text; then
  begin_stage 3 "text models, their embeddings and class probabilities"
  if $toy && [ -z "$text_model" ]; then
    text_model=$exp/bert_init     # the Hub is out of reach of a first try, so a tiny BERT of random weights
    $train_cmd "$exp/log/build_toy_bert.log" python3 -m ser.bin.build_toy_bert --config "$conf/bert.yaml" \
      "$corpora/dailydialog/train/dialogues_train.txt" "$text_model"
  fi
  each_fold steps/train_text.sh --cmd "$cuda_cmd" --num-threads "$num_threads" --config "$conf/bert.yaml" \
    --text-model "$text_model" --label-map "$label_map" --soft-targets "$soft_targets" \
    --valid-data "$data/valid_FOLD" "$data/train_FOLD" "$labelled/utt2emo" "$exp/bert_FOLD"
  each_fold $train_cmd "$exp/bert_FOLD/log/extract.log" \
    python3 -m ser.bin.extract_text_embeddings --num-threads "$num_threads" \
    --done "$exp/embeddings_FOLD/text.done" --left-out "$exp/embeddings_FOLD/text_missing" \
    "$exp/bert_FOLD" "$labelled" \
    "ark,scp:$exp/embeddings_FOLD/text.ark,$exp/embeddings_FOLD/text.scp"
  compute_posteriors bert text
fi

if [ "$stage" -le 4 ] && [ "$stop_stage" -ge 4 ] && uses speech+text; then
  begin_stage 4 "late fusion of the class probabilities"
  train_fusion fusion "$exp/fusion_FOLD" \
    "speech=$exp/posteriors_FOLD/speech.scp text=$exp/posteriors_FOLD/text.scp"
fi

if [ "$stage" -le 5 ] && [ "$stop_stage" -ge 5 ] && [ -n "$yardsticks" ]; then
  begin_stage 5 "yardsticks that hear the dialogue: $yardsticks"
  for yardstick in $yardsticks; do
    for modality in $yardstick_modalities; do
      train_fusion "$yardstick" "$exp/${yardstick}_${modality}_FOLD" \
        "$(for one in ${modality/+/ }; do echo "$one=$exp/embeddings_FOLD/$one.scp"; done)"
    done
  done
fi

if [ "$stage" -le 6 ] && [ "$stop_stage" -ge 6 ]; then
  begin_stage 6 "cells of the results table"
  write_posterior_cells "$exp/cells"
  $train_cmd JOB=1:"$(wc -l < "$exp/cells/list")" "$exp/log/evaluate.JOB.log" \
    python3 -m ser.bin.evaluate_posteriors "@$exp/cells/JOB.args"
fi

if [ "$stage" -le 7 ] && [ "$stop_stage" -ge 7 ]; then
  begin_stage 7 "table and report"
  python3 -m ser.bin.make_results_table "$exp" $(cat "$exp/cells/list")
  if [ -f "$data/$test/utt2votes" ]; then
    python3 -m ser.bin.score_annotators --label-map "$label_map" "$data/$test" "$labelled/utt2emo" "$exp/human.tsv"
  fi
  if uses text; then echo "$test: its own words" > "$exp/text_used.txt"; fi
  python3 -m ser.bin.make_protocol_card --corpora "$data/$test" --label-map "$label_map" \
    $(uses text && echo --text-condition gold) "$exp"
  steps/make_report.sh "$exp"
  log "Report:  $exp/report.html; training curves: $exp/*/curve.png"
  log "Results: $exp/results.tsv (every fold); what the parts of each fold share: $exp/protocol_card.md"
fi
end_stage
