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
# Usage: local/run_vgg_bert.sh [options]
#  e.g.: local/run_vgg_bert.sh
#        local/run_vgg_bert.sh --iemocap /corpora/IEMOCAP_full_release --nj 32
#        local/run_vgg_bert.sh --corpora ../shared/corpora --test ravdess --conf conf/ravdess/vgg_bert \
#          --label-map conf/emotions/collapsed5.map --modalities speech --protocols folds --yardsticks ""
# Stages:
#   0 data dir, 1 classes, log mel energies, parts and copies, 2 VGG nets, 3 text models, 4 their fusion, 5 yardsticks,
#   6 scores, 7 table and report.
# Options:
#   --test <corpus>       that is split: of speech and emotion labels
#   --protocols "folds random"
#   --split-seed <n>      of the random split (0)
#   --copies "<kind> ..." distorted copies of the training part, of "white pitch stretch shift"; "" for none
#   --modalities "speech text speech+text"   the last is the fusion
#   --yardsticks "bc_lstm icon"   networks that hear the dialogue; "" for none
#   --yardstick-modalities "<modality> ..."   of theirs (on the toy corpora the fusion, else --modalities)
#   --soft-targets true|false     train on the shares of the annotators' votes
#   --label-map <file>    the corpus's labels to the classes
#   --text-model <name on the Hub, or folder>, such as roberta-base
#   --encoder <name>=<folder or name on the Hub>:<layer>   a published audio encoder, frozen, and a linear layer on its
#                         embeddings (encoder.yaml) in place of the CNN
#   --row-mark <word>     stands behind the variant in the results: rows of several runs in one table, see
#                         local/run_vgg_bert_rows.sh
#   --inner-folds <n>     also train a fusion on the probabilities of models that have not seen the speaker: n parts of
#                         the training speakers take turns (0: none, as published)
#   Of --conf, the settings are logmel, vgg, encoder, bert, fusion, bc_lstm and icon.yaml.
# shellcheck disable=SC2034,SC2046,SC2086  # options are read by make_plan; wrappers and lists split into words
set -euo pipefail
cd "$(dirname "$0")/.."
. utils/recipe.sh     # options of every driver, begin_recipe, each_job, run_jobs ...

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
encoder=
row_mark=
inner_folds=0

. utils/parse_options.sh
. ./path.sh
. ./cmd.sh

begin_recipe vgg_bert 7 conf/vgg_bert toy_vgg_bert "$@"

# The plan (exp/<name>/plan/plan.tsv, or --dry-run true) lists the jobs of each kind: parts of the data, models, scores.
# Here stand their commands and settings, in order; what a job reads and makes follows, as $1, $2 ..., or in a file.
targets=(--label-map "$label_map" --soft-targets "$soft_targets")

if [ "$stage" -le 0 ] && [ "$stop_stage" -ge 0 ]; then
  begin_stage 0 "data dir in $data"
  if $toy; then local/prepare_toy.sh "$corpora"; fi
  each_job prepare bash     # local/prepare_<corpus>.sh <corpus-dir> <data-dir>
  make_plan write           # again, by the folds that the data dir has
fi

if [ "$stage" -le 1 ] && [ "$stop_stage" -ge 1 ]; then
  begin_stage 1 "classes, log mel energies; training, validation and test parts, copies of the training part"
  make_logmel() { steps/make_logmel.sh --nj "$nj" --cmd "$train_cmd" --config "$conf/logmel.yaml" "$1"; }
  split_fold() {        # <fold> <fold that validates> <data-dir> <test> <rest> <valid> <train>
    utils/select_fold.sh --part test "$1" "$3" "$4"
    utils/select_fold.sh --part train "$1" "$3" "$5"
    utils/select_fold.sh --part test "$2" "$5" "$6"
    utils/select_fold.sh --part train "$2" "$5" "$7"
  }
  add_copies() {        # <data-dir> <copies> <both>
    steps/distort_data_dir.sh --kinds "$copies" "$1" "$2"
    make_logmel "$2"
    utils/combine_data.sh "$3" "$1" "$2"
  }
  each_job classes utils/apply_label_map.sh "$label_map"
  each_job snr python3 -m ser.bin.measure_snr      # the clips' signal-to-noise ratio, as the paper checks it
  each_job logmel make_logmel
  each_job fold_parts split_fold
  each_job random_parts python3 -m ser.bin.split_stratified --valid 0.2 --test 0.1
  each_job audit local/audit_protocol.sh      # stops at what a fold shares; what the random split shares is counted
  each_job copies add_copies
  each_job clips utils/copy_data_dir.sh       # without --copies
  each_job inner_parts python3 -m ser.bin.part_speakers
fi

# train_fusion <kind>: a network for each fold on the vectors of its modalities, and its probabilities of the test part.
train_fusion() {
  run_jobs "$1" "$cuda_jobs" python3 -m ser.bin.train_fusion \
    --config "$conf/${1%_out_of_fold}.yaml" --num-threads "$num_threads" "${targets[@]}"
  run_short_jobs "$1_posteriors" "$train_cmd" ser.bin.apply_fusion --num-threads "$num_threads"
}

if [ "$stage" -le 2 ] && [ "$stop_stage" -ge 2 ]; then
  begin_stage 2 "nets of speech, their embeddings and class probabilities"
  run_jobs vgg "$cuda_jobs" python3 -m ser.bin.train_vgg \
    --config "$conf/vgg.yaml" --num-threads "$num_threads" "${targets[@]}"
  run_short_jobs vgg_vectors "$train_cmd" ser.bin.extract_vgg_embeddings --num-threads "$num_threads"
  run_short_jobs vgg_posteriors "$train_cmd" ser.bin.compute_posteriors
  # With --encoder, which has no copies of the training part: its embeddings are the same in all folds.
  each_job encoded steps/extract_audio_embeddings.sh --cmd "$train_cmd" --num-threads "$num_threads"
  train_fusion encoder
fi

if [ "$stage" -le 3 ] && [ "$stop_stage" -ge 3 ]; then
  begin_stage 3 "text models, their embeddings and class probabilities"
  # Of a toy run alone: the Hub is out of reach of a first try, so a tiny BERT of random weights is made.
  run_jobs text_init "$train_cmd" python3 -m ser.bin.build_toy_bert --config "$conf/bert.yaml"
  run_jobs bert "$cuda_jobs" python3 -m ser.bin.train_text \
    --config "$conf/bert.yaml" --num-threads "$num_threads" "${targets[@]}"
  run_short_jobs bert_vectors "$train_cmd" ser.bin.extract_text_embeddings --num-threads "$num_threads"
  run_short_jobs bert_posteriors "$train_cmd" ser.bin.compute_posteriors
fi

if [ "$stage" -le 4 ] && [ "$stop_stage" -ge 4 ]; then
  begin_stage 4 "late fusion of the class probabilities"
  replace_rows() {      # <list of utterances> <table> <table out> <table of these utterances>...
    mkdir -p "$(dirname "$3")"
    awk 'NR == FNR { listed[$1]; next } !($1 in listed)' "$1" "$2" > "$3.others"
    utils/merge_scp.sh "$3" "$3.others" "${@:4}"
  }
  train_fusion fusion
  each_job out_of_fold replace_rows
  [ "$inner_folds" -eq 0 ] || train_fusion fusion_out_of_fold
fi

if [ "$stage" -le 5 ] && [ "$stop_stage" -ge 5 ] && [ -n "$yardsticks" ]; then
  begin_stage 5 "yardsticks that hear the dialogue: $yardsticks"
  for yardstick in $yardsticks; do train_fusion "$yardstick"; done
fi

if [ "$stage" -le 6 ] && [ "$stop_stage" -ge 6 ]; then
  begin_stage 6 "cells of the results table"
  make_cells ser.bin.evaluate_posteriors
fi

if [ "$stage" -le 7 ] && [ "$stop_stage" -ge 7 ]; then
  begin_stage 7 "table and report"
  each_job human python3 -m ser.bin.score_annotators --label-map "$label_map"     # where annotators' votes are known
  make_results "$label_map"     # $exp/results.tsv, and the protocol card
  each_job report steps/make_report.sh
  log "Report:  $exp/report.html; training curves: $exp/*/curve.png"
  log "Results: $exp/results.tsv (every fold); what the parts of each fold share: $exp/protocol_card.md"
fi
end_stage

# Expected on the toy corpora, in %; another processor rounds otherwise, and may give other digits:
#   awk -F'\t' '$4 == "all" { print $5, $8, $9, $20, $23 }' exp/toy_vgg_bert/results.tsv
#   variant  layer     modality       UAR      WA
#   folds    bc_lstm   speech+text   72.96   72.09
#   random   bc_lstm   speech+text   63.33   65.38
#   folds    icon      speech+text   73.69   73.03
#   random   icon      speech+text   70.00   73.08
#   folds    vgg       speech        55.59   53.26
#   folds    bert      text          68.27   67.42
#   folds    fusion    speech+text   72.21   71.17
#   random   vgg       speech        43.33   42.31
#   random   bert      text          60.00   61.54
#   random   fusion    speech+text   70.00   73.08
