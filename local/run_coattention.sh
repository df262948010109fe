#!/usr/bin/env bash
# System C: audio encoders (VGGish, YAMNet, one trained with a triplet loss) and a T5, all pretrained on other data, and
# an alternating co-attention over their hidden states. C. H. C. Leung, J. J. Deng, "Multimodal emotion recognition using
# speech and text", IARIA Congress 2022. docs/systems.md lists what the slides leave open and what was chosen here.
#
# Without corpora this runs on toy corpora, in data/toy_coattention and exp/toy_coattention, with nets of random weights.
# The rows of exp/<name>/results.tsv are those of the paper. Its tables 1 and 2 have each audio encoder, fixed and tuned,
# the text model, and their fusion; its table 3 has the combined corpora, the speech-only and the text-only corpora. The
# column `text` is the text condition: `gold` (the transcripts), `none`, or `unseen-sentence` (the model was trained
# without the sentences of its test set). The audit of each fold reports how well the sentences alone would score.
#
# Usage: local/run_coattention.sh [options]
#  e.g.: local/run_coattention.sh
#        local/run_coattention.sh --corpora /corpora --vggish exp/vggish --yamnet exp/yamnet --text-model t5-base
#        local/run_coattention.sh --ravdess /corpora/ravdess --tests "" --speech-only ravdess --encoders yamnet \
#          --yamnet exp/yamnet --fusion-encoder yamnet --together "" --text-only ""
# Stages:
#   0 data dirs, 1 classes and splits, 2 triplet net, 3 hidden states of the audio encoders, 4 text model on GoEmotions,
#   5 hidden states of the tokens, 6 co-attention models, 7 scores, table and report.
# Options:
#   --tests "<corpus> ..."        corpora with speech, text and emotion labels; each gives the rows of tables 1 and 2
#   --together "<corpus> ..."     corpora that are combined into one, for the fusion; "" for none
#   --speech-only "<corpus> ..."  corpora that are scored by speech alone
#   --text-only "<corpus> ..."    corpora that are scored by text alone
#   --unseen "<corpus> ..."       corpora of --tests with further rows, `unseen-sentence`: models whose training data
#                                 lacks the sentences of the test set
#   --random "<corpus> ..."       corpora of --tests with further rows, `random`: a random split of the utterances into
#                                 80 % training, 10 % validation and 10 % test. The paper names no folds, so this may be
#                                 its protocol. Training and test share speakers, and may share sentences; these
#                                 rows therefore do not tell how well new speakers are recognised
#   --triplet-train <corpus>      corpus that the triplet net is trained on, without labels
#   --text-train goemotions       corpus that the text model is fine-tuned on; "" for none
#   --encoders "vggish yamnet triplet"   audio encoders: the published VGGish and YAMNet, and the triplet net
#   --published "<name>=<folder or name on the Hub>:<layer> ..."   further audio encoders, such as
#                                 wavlm=microsoft/wavlm-base:9; they stay fixed, and every fourth frame is used
#   --fusion-encoder <encoder>    the one of --encoders or --published that is used in the fusion
#   --variants "fixed tuned"      fixed: only the attention is trained; tuned: the audio encoder is trained with it, also
#                                 in a fusion, with --fusion-encoder and the first of --losses
#   --losses "bce ce"             losses of the fusion: bce, binary cross-entropy for each class; ce, cross-entropy over all
#                                 classes. Its rows tuned, unseen, random and of combined corpora use the first one
#   --vggish <dir>, --yamnet <dir>   encoders that ser.bin.import_audio_net imported
#   --triplet <dir>               a triplet net that is trained already
#   --text-model <name on the Hub, or folder>   in place of the text model that the settings name, t5-base. The column
#                                 `layer` shows its name on the Hub without the owner or, for a folder, its kind, such
#                                 as bert
#   --text-settings <name>        settings <conf>/<name>.yaml of its fine-tuning; goemotions_bert: those published for
#                                 BERT. Those of goemotions unfreeze the 12 blocks of t5-base; other nets need their own
#   --fold-groups <n>             merge the folds of a corpus to n folds (0: keep them; 2 on the toy corpora)
#   --label-map <file>            maps a corpus's labels to the classes
#   --text-map <file>             maps GoEmotions' labels to the classes
#   The folder --conf has triplet.yaml, fusion.yaml, tune_<encoder>.yaml and the settings of --text-settings.
# shellcheck disable=SC2034,SC2046,SC2086  # options are read by make_plan; wrappers and lists split into words
set -euo pipefail
cd "$(dirname "$0")/.."
. utils/recipe.sh     # options of every driver, begin_recipe, each_job, run_jobs ...

tests="iemocap savee"
together="iemocap savee"
speech_only=ravdess
text_only=goemotions
unseen="iemocap savee"
random=iemocap
triplet_train=voxceleb1
text_train=goemotions
encoders="vggish yamnet triplet"
published=
fusion_encoder=triplet
variants="fixed tuned"
losses="bce ce"
vggish=
yamnet=
triplet=
text_model=
text_settings=goemotions
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

# short <kind> "<wrapper>" <module> ...: runs each job as its own process, or, in a quick run (--fold-groups), the jobs
# in a few processes.
short() {
  if [ "$fold_groups" -gt 0 ]; then run_short_jobs "$@"; else run_jobs "$1" "$2" python3 -m "${@:3}"; fi
}
merge() { mkdir -p "$(dirname "$1")" && utils/merge_scp.sh "$@"; }      # <scp-out> <scp>...

if [ "$stage" -le 0 ] && [ "$stop_stage" -ge 0 ]; then
  begin_stage 0 "data dirs in $data"
  if $toy; then local/prepare_toy.sh "$corpora"; fi
  each_job prepare bash     # local/prepare_<corpus>.sh <corpus-dir> <data-dir>
  make_plan write           # again, now that the folds are known
fi

if [ "$stage" -le 1 ] && [ "$stop_stage" -ge 1 ]; then
  begin_stage 1 "classes; training, validation and test parts, and an audit of what they share"
  mkdir -p "$audits"
  each_job classes utils/apply_label_map.sh
  each_job together utils/combine_data.sh
  run_short_jobs parts "$train_cmd" ser.bin.split_parts
  run_short_jobs unseen "$train_cmd" ser.bin.part_sentences
  run_short_jobs random_parts "$train_cmd" ser.bin.split_stratified --valid 0.1 --test 0.1
  run_short_jobs audit "$train_cmd" ser.bin.audit_protocol
fi

if [ "$stage" -le 2 ] && [ "$stop_stage" -ge 2 ]; then
  begin_stage 2 "an audio encoder, trained by triplets without labels"
  run_jobs frames "$train_cmd" python3 -m ser.bin.make_audioset_feats --level frame --compress true
  run_short_jobs toy_nets "$train_cmd" ser.bin.build_toy_encoder     # only in a toy run
  run_jobs triplet "$cuda_jobs" python3 -m ser.bin.train_triplet --num-threads "$num_threads"
fi

if [ "$stage" -le 3 ] && [ "$stop_stage" -ge 3 ]; then
  begin_stage 3 "patches of log-mel energies, and the states of the audio encoders"
  mkdir -p "$exp/patches"
  short patches "$train_cmd" ser.bin.make_audioset_feats --level patch
  short states "$cuda_jobs" ser.bin.extract_audio_embeddings --num-threads "$num_threads"
fi

if [ "$stage" -le 4 ] && [ "$stop_stage" -ge 4 ]; then
  begin_stage 4 "text model, fine-tuned on GoEmotions"
  # Only in a toy run, which needs no download from the Hub: a tiny T5 of random weights is made.
  run_jobs text_init "$train_cmd" python3 -m ser.bin.build_toy_bert --kind t5 --config "$conf/$text_settings.yaml"
  run_jobs text_model "$cuda_jobs" python3 -m ser.bin.train_text_labels \
    --config "$conf/$text_settings.yaml" --num-threads "$num_threads"
fi

if [ "$stage" -le 5 ] && [ "$stop_stage" -ge 5 ]; then
  begin_stage 5 "states of the tokens"
  mkdir -p "$exp/tokens"
  short tokens "$cuda_jobs" ser.bin.extract_text_embeddings --level token --num-threads "$num_threads"
  each_job merged merge
fi

if [ "$stage" -le 6 ] && [ "$stop_stage" -ge 6 ]; then
  begin_stage 6 "co-attention models of speech and text, and attention models of one modality"
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
  for corpus in $tests $speech_only $text_only; do
    python3 -m ser.bin.pool_folds "$data/${corpus}_classes" "$exp/pooled/$corpus" $(grep "_${corpus}_" "$cells/list")
  done
  each_job report steps/make_report.sh
  log "Report:  $exp/report.html; errors to play: $exp/errors.html; training curves: $exp/*/curve.png"
  log "Results: $exp/results.tsv (fold all: the mean); scores of the sentences alone: $audits/*.tsv"
  log "By class and by stratum, all folds pooled: $exp/pooled/*/confusions.tsv, pooled.tsv"
fi
end_stage

# Expected on the toy corpora, with two folds (UAR and WA in %; fine-tuning random nets on 60 utterances does not help):
#   awk -F'\t' '$4 == "all" { print $3, $8, $5, $9, $7, $20, $23 }' exp/toy_coattention/results.tsv
#   test             layer          variant  modality     text                UAR     WA
#   iemocap          triplet_final  fixed    speech       -                 58.06  56.66
#   iemocap          t5             fixed    text         gold              50.33  50.85
#   iemocap          t5             fixed    text         unseen-sentence   28.41  29.41
#   iemocap          triplet+t5     bce      speech+text  gold              66.44  65.78
#   iemocap          triplet+t5     tuned    speech+text  gold              52.89  49.53
#   savee            triplet_final  fixed    speech       -                 66.87  56.82
#   savee            t5             fixed    text         gold              67.50  68.18
#   savee            t5             fixed    text         unseen-sentence   46.25  50.00
#   savee            triplet+t5     bce      speech+text  gold              81.56  71.59
#   savee            triplet+t5     tuned    speech+text  gold              59.69  45.45
#   iemocap+savee    triplet+t5     bce      speech+text  gold              63.13  62.84
#   ravdess          triplet_final  fixed    speech       -                 53.12  50.00
#   goemotions       t5             fixed    text         gold              46.89  45.00
