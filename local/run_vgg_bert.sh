#!/usr/bin/env bash
# System D: a VGG CNN on log-mel energies and a BERT on the transcripts; their class probabilities are fused.
# J. Zhou, P. Sibal, R. Bernard, S. Mallikarjuna, S. Mallick, "A multi-modal approach to speech emotion recognition".
#
# Without corpora this runs on toy corpora, in data/toy_vgg_bert and exp/toy_vgg_bert. Its two protocols are values
# of the column `variant` of the results. `random` is the paper's: 70 % of the utterances for training, 20 % for
# validation, 10 % for test; the parts share speakers and dialogues, which exp/<name>/audit/random.tsv counts. `folds`
# tests each fold of the corpus with models of the other folds, one of which is for validation. The epoch of every model
# is chosen on validation data. Two published models that use the dialogue, bc-LSTM and ICON, are trained for comparison,
# on the embeddings of the same speech and text models. Utterances without words are scored by speech alone.
#
# Usage: local/run_vgg_bert.sh [options]
#  e.g.: local/run_vgg_bert.sh
#        local/run_vgg_bert.sh --iemocap /corpora/IEMOCAP_full_release --nj 32
#        local/run_vgg_bert.sh --corpora /corpora --test ravdess --conf conf/ravdess/vgg_bert \
#          --label-map conf/emotions/collapsed5.map --modalities speech --protocols folds --yardsticks ""
# Stages:
#   0 data dir, 1 classes, log-mel energies, splits and copies, 2 VGG nets, 3 text models, 4 their fusion, 5 dialogue
#   models, 6 scores, 7 table and report.
# Options:
#   --test <corpus>       corpus with speech and emotion labels, which is split into training, validation and test sets
#   --protocols "folds random"   the protocols above
#   --split-seed <n>      seed of the random split (0)
#   --copies "<kind> ..." distorted copies that are added to the training set: white pitch stretch shift; "" for none
#   --modalities "speech text speech+text"   speech+text is the fusion
#   --yardsticks "bc_lstm icon"   dialogue models for comparison; "" for none
#   --yardstick-modalities "<modality> ..."   modalities of the dialogue models (those of --modalities; on the toy corpora
#                         only the fusion)
#   --soft-targets true|false     train on the shares of the annotators' votes
#   --label-map <file>    maps the corpus's labels to the classes
#   --text-model <name on the Hub, or folder>, such as roberta-base
#   --encoder <name>=<folder or name on the Hub>:<layer>   in place of the CNN: a frozen published audio encoder, and a
#                         linear layer on its embeddings (encoder.yaml)
#   --row-mark <word>     is appended to the variant in the results, which tells the rows of several runs apart in one
#                         table (local/run_vgg_bert_rows.sh)
#   --inner-folds <n>     also train a fusion on out-of-fold probabilities: the training speakers are divided into n
#                         parts, and the probabilities of each part come from models trained on the others (0: no, as
#                         published)
#   The folder --conf has logmel.yaml, vgg.yaml, encoder.yaml, bert.yaml, fusion.yaml, bc_lstm.yaml and icon.yaml.
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
# The commands below run them, with their settings; each job's own inputs and outputs follow as $1, $2 ..., or in a file.
targets=(--label-map "$label_map" --soft-targets "$soft_targets")

if [ "$stage" -le 0 ] && [ "$stop_stage" -ge 0 ]; then
  begin_stage 0 "data dir in $data"
  if $toy; then local/prepare_toy.sh "$corpora"; fi
  each_job prepare bash     # local/prepare_<corpus>.sh <corpus-dir> <data-dir>
  make_plan write           # again, now that the folds are known
fi

if [ "$stage" -le 1 ] && [ "$stop_stage" -ge 1 ]; then
  begin_stage 1 "classes, log-mel energies; training, validation and test parts, copies of the training part"
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
  each_job audit local/audit_protocol.sh      # parts of a fold must share nothing; for the random split it only counts
  each_job copies add_copies
  each_job clips utils/copy_data_dir.sh       # in place of the copies, if --copies is ""
  each_job inner_parts python3 -m ser.bin.part_speakers
fi

# train_fusion <kind>: trains a net for each fold on the vectors of its modalities, and applies it to the test part.
train_fusion() {
  run_jobs "$1" "$cuda_jobs" python3 -m ser.bin.train_fusion \
    --config "$conf/${1%_out_of_fold}.yaml" --num-threads "$num_threads" "${targets[@]}"
  run_short_jobs "$1_posteriors" "$train_cmd" ser.bin.apply_fusion --num-threads "$num_threads"
}

if [ "$stage" -le 2 ] && [ "$stop_stage" -ge 2 ]; then
  begin_stage 2 "speech models, their embeddings and class probabilities"
  run_jobs vgg "$cuda_jobs" python3 -m ser.bin.train_vgg \
    --config "$conf/vgg.yaml" --num-threads "$num_threads" "${targets[@]}"
  run_short_jobs vgg_vectors "$train_cmd" ser.bin.extract_vgg_embeddings --num-threads "$num_threads"
  run_short_jobs vgg_posteriors "$train_cmd" ser.bin.compute_posteriors
  # With --encoder. Its embeddings are the same in all folds, and it uses no copies of the training part.
  each_job encoded steps/extract_audio_embeddings.sh --cmd "$train_cmd" --num-threads "$num_threads"
  train_fusion encoder
fi

if [ "$stage" -le 3 ] && [ "$stop_stage" -ge 3 ]; then
  begin_stage 3 "text models, their embeddings and class probabilities"
  # Only in a toy run, which needs no download from the Hub: a tiny BERT of random weights is made.
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
  begin_stage 5 "dialogue models for comparison: $yardsticks"
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
  log "Report:  $exp/report.html; errors to play: $exp/errors.html; training curves: $exp/*/curve.png"
  log "Results: $exp/results.tsv (every fold); what the parts of each fold share: $exp/protocol_card.md"
fi
end_stage

# Expected on the toy corpora, in %; another processor rounds differently and may give other digits:
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
