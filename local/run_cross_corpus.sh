#!/usr/bin/env bash
# Results across corpora: a system is trained on each corpus, and on all corpora but one, and tested on the others. The
# result is a matrix of EER and UAR with intervals. Each training set has a second row, for which the PLDA was adapted to
# the test corpus without its labels. On the diagonal, each corpus is tested by its own folds.
#
# The classes are those that all corpora have (exp/<name>/classes.tsv has their counts). The audit stops the run if
# training and test data of a pair of corpora share a speaker or a recording. Without corpora it runs on toy corpora.
#
# Usage: local/run_cross_corpus.sh [options]
#  e.g.: local/run_cross_corpus.sh
#        local/run_cross_corpus.sh --corpora /corpora --among "cremad iemocap ravdess" --nj 32
#        local/run_cross_corpus.sh --corpora /corpora --among "ravdess emodb" --encoder exp/yamnet --layers 10
# Stages:
#   0 data dirs, 1 features, common classes, training sets, audit, 2 nets, 3 embeddings, 4 scores, 5 matrix, report.
# Options:
#   --among "<corpus> ..."   two or more corpora of conf/corpora.tsv with speech and emotion labels
#   --within true|false      whether to fill the diagonal: each corpus by its own folds (true)
#   --encoder <name on the Hub, or folder>   frozen audio encoder that makes all embeddings; without it, an x-vector net
#                            is trained from scratch on each training set
#   --layers tdnn6,tdnn7     layers of the net or of the encoder (tdnn6)
#   --label-map <file>       maps a corpus's labels to the classes
#   --finetune-config <name> settings of the nets: <name>.yaml in --conf
#   --hold-out-speakers <share>   share of the speakers of each corpus that no net is trained on (none of a
#                            corpus of two speakers); they choose the nets' epochs and calibrate the scores (0.2);
#                            not with --encoder, which trains no net
#   --backend-config <yaml>
# shellcheck disable=SC2034,SC2046,SC2086  # options are read by make_plan; wrappers and lists split into words
set -euo pipefail
cd "$(dirname "$0")/.."
. utils/recipe.sh     # options of every driver, begin_recipe, each_job, run_jobs ...

among="cremad iemocap ravdess"
within=true
encoder=
layers=tdnn6
label_map=conf/emotions/collapsed5.map
finetune_config=xvector_finetune
hold_out_speakers=0.2
backend_config=conf/backend.yaml

. utils/parse_options.sh
. ./path.sh
. ./cmd.sh

begin_recipe cross_corpus 5 conf toy_cross_corpus "$@"

if [ "$stage" -le 0 ] && [ "$stop_stage" -ge 0 ]; then
  begin_stage 0 "data dirs in $data"
  if $toy; then local/prepare_toy.sh "$corpora"; fi
  each_job prepare bash     # local/prepare_<corpus>.sh <corpus-dir> <data-dir>
  make_plan write           # again, now that the folds are known
fi

if [ "$stage" -le 1 ] && [ "$stop_stage" -ge 1 ]; then
  begin_stage 1 "features; the classes that all corpora have; training sets; audit"
  make_features() {     # <data-dir> <data-dir-out without silence>
    steps/make_mfcc_pitch.sh --nj "$nj" --cmd "$train_cmd" "$1"
    steps/compute_vad.sh --nj "$nj" --cmd "$train_cmd" "$1"
    steps/prepare_feats.sh --nj "$nj" --cmd "$train_cmd" "$1" "$2"
  }
  each_job features make_features
  each_job classes utils/apply_label_map.sh "$label_map"
  each_job shared python3 -m ser.bin.intersect_classes
  each_job roles local/make_role_dir.sh
  each_job folds utils/select_fold.sh
  rm -rf "$audits"
  each_job audit local/audit_protocol.sh
fi

if [ "$stage" -le 2 ] && [ "$stop_stage" -ge 2 ]; then
  begin_stage 2 "a net for each training set"
  run_jobs nets "$train_nets" python3 -m ser.bin.train_xvector --num-threads "$num_threads"
fi

if [ "$stage" -le 3 ] && [ "$stop_stage" -ge 3 ]; then
  begin_stage 3 "embeddings"
  each_job embedded utils/combine_data.sh
  each_job embeddings steps/extract_embeddings.sh --nj "$nj" --cmd "$train_cmd" --layers "$layers"
  each_job encoded steps/extract_audio_embeddings.sh --cmd "$train_cmd" --encoder "$encoder" --layers "${layers//,/ }"
fi

if [ "$stage" -le 4 ] && [ "$stop_stage" -ge 4 ]; then
  begin_stage 4 "LDA-PLDA, plain and adapted; scores of all pairs, classes"
  make_cells ser.bin.evaluate_backend --config "$backend_config"
fi

if [ "$stage" -le 5 ] && [ "$stop_stage" -ge 5 ]; then
  begin_stage 5 "matrix and report"
  make_results "$label_map"     # $exp/results.tsv, and the protocol card
  each_job report steps/make_report.sh
  log "Matrix:  $exp/figures/cross_eer.tsv, cross_uar.tsv, and as heat maps in $exp/report.html"
  log "Results: $exp/results.tsv; classes: $exp/classes.tsv; what is shared: $audits/*.tsv"
fi
end_stage
