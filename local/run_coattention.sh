#!/usr/bin/env bash
# System C: nets of audio (VGGish, YAMNet, one trained by triplets) and a T5, transferred, and the alternating
# co-attention of their states. C. H. C. Leung, J. J. Deng, "Multimodal emotion recognition using speech and text", IARIA
# Congress 2022; docs/systems.md tells what the slides leave open, and what was chosen.
#
# Without corpora it runs on the toy ones, in data/toy_coattention and exp/toy_coattention, with nets of random weights.
# Every row of the paper's tables 1 and 2 is a row of exp/<name>/results.tsv: each net of audio fixed and tuned, the text
# model, the fusion; those of the third table are the corpora together, of speech alone and of text alone. The column
# `text` is the text condition: gold, none, and unseen-sentence, where no sentence that is tested trains. The audit of each
# fold says what a table of sentences alone would score.
#
# Usage: local/run_coattention.sh [options]
#  e.g.: local/run_coattention.sh
#        local/run_coattention.sh --corpora /corpora --vggish exp/vggish --yamnet exp/yamnet --text-model t5-base
#        local/run_coattention.sh --ravdess /corpora/ravdess --tests "" --speech-only ravdess --encoders yamnet \
#          --yamnet exp/yamnet --fusion-encoder yamnet --together "" --text-only "" --text-train ""
# Stages:
#   0 data dirs, 1 classes and parts, 2 the triplet net, 3 states of the nets of audio, 4 text model on GoEmotions, 5 token
#   states, 6 co-attentions, 7 scores, table and report.
# Options:
#   --tests "<corpus> ..."        of speech, text and emotion labels: tables 1 and 2
#   --together "<corpus> ..."     joined to one, for the fusion; "" for none
#   --speech-only "<corpus> ..."  scored by speech alone; --text-only "<corpus> ..." by text alone
#   --unseen "<corpus> ..."       of --tests, those that are trained without the test's sentences, too
#   --random "<corpus> ..."       of --tests, those that are split at random, too, 80, 10 and 10 %: rows `random`. The
#                                 paper tells no folds, so this may be its protocol; training and test share speakers,
#                                 and a sentence may be on both sides, so its figures are no measure of new speakers
#   --triplet-train <corpus>      that the triplet net is trained on, without labels
#   --text-train goemotions       that the text model is tuned on; "" for none
#   --encoders "vggish yamnet triplet"   nets of audio; --fusion-encoder <one of them> in the fusion
#   --variants "fixed tuned"      whether they are trained, too
#   --losses "bce ce"             of the fusion: binary, and of the classes together
#   --vggish <dir> --yamnet <dir>   that ser.bin.import_audio_net wrote; --triplet <dir>, a net that is there already
#   --text-model <name on the Hub, or folder>
#   --fold-groups <n>             folds that are put together to n (0: each is its own; on the toy corpora 2)
#   --label-map <file> --text-map <file>   a corpus's labels to the classes, and GoEmotions'
#   Of --conf, the settings are triplet, goemotions, fusion and tune_<net>.yaml.
# shellcheck disable=SC2034,SC2046,SC2086  # options are read by make_plan; wrappers and lists split into words
set -euo pipefail
cd "$(dirname "$0")/.."
. utils/recipe.sh     # options of every driver, begin_recipe, each_job, run_jobs ...

tests="iemocap savee"
together="iemocap savee"
speech_only=ravdess
text_only=goemotions
unseen=savee
random=iemocap
triplet_train=voxceleb1
text_train=goemotions
encoders="vggish yamnet triplet"
fusion_encoder=triplet
variants="fixed tuned"
losses="bce ce"
vggish=
yamnet=
triplet=
text_model=
fold_groups=
label_map=conf/emotions/four.map
text_map=conf/emotions/goemotions_four.map

. utils/parse_options.sh
. ./path.sh
. ./cmd.sh
if [ -z "$fold_groups" ]; then
  fold_groups=2
  for corpus in corpora $corpus_names; do if [ -n "${!corpus}" ]; then fold_groups=0; fi; done
fi

begin_recipe coattention 7 conf/coattention toy_coattention "$@"

# short <kind> "<wrapper>" <module> ...: a process for each job; in a quick run (--fold-groups) few processes share them.
short() {
  if [ "$fold_groups" -gt 0 ]; then run_short_jobs "$@"; else run_jobs "$1" "$2" python3 -m "${@:3}"; fi
}
merge() { mkdir -p "$(dirname "$1")" && utils/merge_scp.sh "$@"; }      # <scp> <scp>...: the first of the others

if [ "$stage" -le 0 ] && [ "$stop_stage" -ge 0 ]; then
  begin_stage 0 "data dirs in $data"
  if $toy; then local/prepare_toy.sh "$corpora"; fi
  each_job prepare bash     # local/prepare_<corpus>.sh <corpus-dir> <data-dir>
  make_plan write           # again, by the folds that the data dirs have
fi

if [ "$stage" -le 1 ] && [ "$stop_stage" -ge 1 ]; then
  begin_stage 1 "classes; training, validation and test parts, and what they share"
  mkdir -p "$exp/audit"
  each_job classes utils/apply_label_map.sh
  each_job together utils/combine_data.sh
  run_short_jobs parts "$train_cmd" ser.bin.split_parts
  run_short_jobs unseen "$train_cmd" ser.bin.part_sentences
  run_short_jobs random_parts "$train_cmd" ser.bin.split_stratified --valid 0.1 --test 0.1
  run_short_jobs audit "$train_cmd" ser.bin.audit_protocol
fi

if [ "$stage" -le 2 ] && [ "$stop_stage" -ge 2 ]; then
  begin_stage 2 "a net of audio that is trained by triplets, without labels"
  run_jobs frames "$train_cmd" python3 -m ser.bin.make_audioset_feats --level frame --compress true
  run_short_jobs toy_nets "$train_cmd" ser.bin.build_toy_encoder     # of a toy run alone
  run_jobs triplet "$cuda_jobs" python3 -m ser.bin.train_triplet --num-threads "$num_threads"
fi

if [ "$stage" -le 3 ] && [ "$stop_stage" -ge 3 ]; then
  begin_stage 3 "patches of log mel energies, and the states of the nets of audio"
  mkdir -p "$exp/patches"
  short patches "$train_cmd" ser.bin.make_audioset_feats --level patch
  short states "$cuda_jobs" ser.bin.extract_audio_embeddings --num-threads "$num_threads"
fi

if [ "$stage" -le 4 ] && [ "$stop_stage" -ge 4 ]; then
  begin_stage 4 "text model, tuned on GoEmotions"
  # Of a toy run alone: the Hub is out of reach of a first try, so a tiny T5 of random weights is made.
  run_jobs text_init "$train_cmd" python3 -m ser.bin.build_toy_bert --kind t5 --config "$conf/goemotions.yaml"
  run_jobs t5 "$cuda_jobs" python3 -m ser.bin.train_text_labels \
    --config "$conf/goemotions.yaml" --num-threads "$num_threads"
fi

if [ "$stage" -le 5 ] && [ "$stop_stage" -ge 5 ]; then
  begin_stage 5 "states of the tokens"
  mkdir -p "$exp/tokens"
  short tokens "$cuda_jobs" ser.bin.extract_text_embeddings --level token --num-threads "$num_threads"
  each_job merged merge
fi

if [ "$stage" -le 6 ] && [ "$stop_stage" -ge 6 ]; then
  begin_stage 6 "co-attentions of speech and text, and attentions of one of them"
  for kind in fixed tuned; do
    short "$kind" "$cuda_jobs" ser.bin.train_coattention \
      --label-map "$label_map" --num-threads "$num_threads"
  done
  each_job joined merge
fi

if [ "$stage" -le 7 ] && [ "$stop_stage" -ge 7 ]; then
  begin_stage 7 "cells of the results table, table and report"
  make_cells ser.bin.evaluate_posteriors
  make_results "$label_map" --notes conf/coattention/traps.tsv
  steps/make_report.sh "$exp"
  log "Report:  $exp/report.html; training curves: $exp/*/curve.png"
  log "Results: $exp/results.tsv (fold all: the mean); what sentences alone tell: $exp/audit/*.tsv"
fi
end_stage

# Expected on the toy corpora, two groups of folds (UAR, WA in %; tuning the random nets on 60 utterances does not pay):
#   awk -F'\t' '$4 == "all" { print $3, $8, $5, $9, $7, $20, $23 }' exp/toy_coattention/results.tsv
#   test             layer          variant  modality     text               UAR     WA
#   iemocap          triplet_final  fixed    speech       -                61.45  59.14
#   iemocap          t5             fixed    text         gold             50.33  50.85
#   iemocap          triplet+t5     bce      speech+text  gold             67.60  65.44
#   savee            triplet_final  fixed    speech       -                68.12  65.91
#   savee            t5             fixed    text         gold             67.50  68.18
#   savee            t5             fixed    text         unseen-sentence  46.25  50.00
#   savee            triplet+t5     bce      speech+text  gold             82.50  78.41
#   iemocap+savee    triplet+t5     bce      speech+text  gold             74.35  72.58
#   ravdess          triplet_final  fixed    speech       -                63.54  61.66
#   goemotions       t5             fixed    text         gold             46.89  45.00
