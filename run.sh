#!/usr/bin/env bash
# System A: x-vectors pretrained on speakers and fine-tuned on emotion, BERT on the words, and an LDA-PLDA back end,
# from corpora on disk to a table of equal error rates. Without corpora it runs on tiny synthetic ones that it makes.
#
# Usage: ./run.sh [options]
#  e.g.: ./run.sh                                     # toy corpora: data/toy, exp/toy
#        ./run.sh --corpora /corpora --nj 32          # real ones: data/xvector_bert, exp/xvector_bert
#        ./run.sh --corpora /corpora --estimate       # what that would cost; --dry-run: the jobs that it would run
#        ./run.sh --stage 8                           # again from stage 8
#        ./run.sh --only iemocap --iemocap /corpora/IEMOCAP_full_release --label-map conf/emotions/four.map --name four
# Stages:
#   0 data dirs, 1 features, 2 augmentation, classes and folds, 3 pretraining on speakers, 4 fine-tuning on emotion,
#   5 embeddings, 6 text, 7 speech and text together, 8 LDA-PLDA and scores, 9 table and report.
#   After stage 2, and at the start of a run from a later stage, local/audit_protocol.sh stops the run if test data share
#   a speaker, session, dialogue, utterance or recording with the training data of a model that is tested on them.
# Options:
#   --pretrain, --finetune, --backend, --text-train "<corpus> ..."   training corpora of each role; with --pretrain ""
#                         fine-tuning starts from random weights
#   --test <corpus>       the test corpus. A role that also trains on it is trained once for each fold, without the
#                         fold's utterances and speakers, and once without this corpus if every role has others
#   --only <corpus>       this corpus has all of these roles and is the test corpus; nothing is pretrained
#   --drawn-text "<corpus> ..."   training corpora with a few fixed sentences: each utterance gets the text vector of a
#                         random utterance of the same emotion from the text model's corpus
#   --text-condition gold|none|shuffled|<file>   words of the test utterances: their own, none, those of another one,
#                         or those of a file of lines "<utterance> <words>", such as a recogniser's output. Training
#                         uses its own words. Utterances without words are scored by speech alone
#   --augment "<kind> ..."  augmented copies of the pretraining speech: reverb noise music babble; "" for none
#   --finetune-noise true|false   whether fine-tuning uses such copies too
#   --finetune-speeds "<factor> ..."   further copies for fine-tuning, spoken slower or faster: "0.9 1.1"
#   --label-map <file>    maps a corpus's labels to the classes
#   --unseen "<class> ..."  classes that are tested but never trained on: "frustration", with
#                         conf/emotions/collapsed5_frustration.map
#   --ties drop|first|level   clips of CREMA-D with tied votes: left out; the first emotion named; or the one with the
#                         highest level, as in the published code of system A
#   --same-trials true|false  for a test corpus that also trains: models trained without it are also scored fold by fold,
#                         on the trials of the models trained with it, in rows of the test <corpus>_by_fold, for
#                         ser.bin.compare_cells (true, but not on the toy corpora)
#   --pretrain-config, --finetune-config <name>   settings of these trainings: <name>.yaml in --conf, such as
#                         xvector_pretrain_kaldi, Kaldi's
#   --modalities "speech text speech+text"   modalities that are scored; models that none of them needs are not trained
#   --layers tdnn6,tdnn7,...   layers of the net whose embeddings are scored
#   --encoders "<name>=<folder or name on the Hub>:<layer>,<layer> ..."   frozen published audio encoders, whose layers
#                         are scored too, as <name>_<layer>; with --layers "" no net is trained
#   --text-model <name on the Hub, or folder>, --pooling cls|mean   replace the settings in --conf
#   --backend-config <yaml>, --lda-dim <n>   --lda-dim replaces its lda_dim; 0 is K-1, the rank of LDA for K classes
#   --hold-out-speakers <share>   share of the speakers of each corpus that no net is trained on; they choose the nets'
#                         epochs and calibrate the back ends' scores (0.2). With 0 all speakers train
#   --speaker-normalisation "none,all,first <n>"   replaces the back end's setting. Each value gives a row: it subtracts
#                         nothing, or the mean of all or of the first n embeddings of each speaker, test speakers too
#   --speaker-cmvn true|false   normalise features to mean 0 and variance 1 over all recordings of a speaker, test
#                         speakers too, instead of by a sliding window; no detector is made (false)
#   --compress true|false store features in one byte per value, as Kaldi does, or in four
#   --processes <n>       GPUs of one machine that share each minibatch of an x-vector training (1)
# shellcheck disable=SC2034,SC2046,SC2086  # options are read by make_plan; wrappers and lists split into words
set -euo pipefail
cd "$(dirname "$0")"
. utils/recipe.sh     # options of every driver, begin_recipe, each_job, run_jobs ...

pretrain="voxceleb1 voxceleb2"
finetune="cremad iemocap"
backend="cremad iemocap"
text_train="dailydialog"
test="iemocap"
only=
drawn_text="cremad"
text_condition=gold
augment="reverb noise music babble"
finetune_noise=false
finetune_speeds=
label_map=conf/emotions/collapsed5.map
unseen=
ties=drop
same_trials=
pretrain_config=xvector_pretrain
finetune_config=xvector_finetune
modalities="speech text speech+text"
layers=tdnn6,tdnn7
encoders=
text_model=
pooling=
backend_config=conf/backend.yaml
lda_dim=
speaker_normalisation=
hold_out_speakers=0.2
speaker_cmvn=false
compress=true
processes=1

. utils/parse_options.sh
. ./path.sh
. ./cmd.sh

if [ -n "$only" ]; then
  pretrain="" finetune=$only backend=$only text_train=$only test=$only drawn_text=""
fi
begin_recipe xvector_bert 9 conf toy "$@"

# The plan (exp/<name>/plan/plan.tsv, or --dry-run true) lists the jobs of each kind: data dirs, roles, folds, models.
# The commands below run them, with their settings; each job's own inputs and outputs follow as $1, $2 ..., or in a file.

if [ "$stage" -le 0 ] && [ "$stop_stage" -ge 0 ]; then
  begin_stage 0 "data dirs in $data"
  if $toy; then local/prepare_toy.sh "$corpora"; fi
  each_job prepare bash     # local/prepare_<corpus>.sh <corpus-dir> <data-dir>
  make_plan write           # again, now that the folds are known
fi

if [ "$stage" -le 1 ] && [ "$stop_stage" -ge 1 ]; then
  begin_stage 1 "MFCC and pitch, voice activity, normalised features"
  make_features() {     # <data-dir> <data-dir-out without silence>
    steps/make_mfcc_pitch.sh --nj "$nj" --cmd "$train_cmd" --compress "$compress" "$1"
    steps/compute_vad.sh --nj "$nj" --cmd "$train_cmd" "$1"
    steps/prepare_feats.sh --nj "$nj" --cmd "$train_cmd" --compress "$compress" --speaker-cmvn "$speaker_cmvn" "$1" "$2"
  }
  each_job features make_features
fi

if [ "$stage" -le 2 ] && [ "$stop_stage" -ge 2 ]; then
  begin_stage 2 "augmented copies, emotion classes, folds"
  # Noisy copies keep the voice activity of the clean speech, as in Kaldi's egs/voxceleb/v2.
  add_noise() {         # <data-dir> <musan> <rirs_noises> <copies> <copies without silence>
    steps/augment_data_dir.sh --kinds "$augment" "$1" "$2" "$3" "$4"
    steps/make_mfcc_pitch.sh --nj "$nj" --cmd "$train_cmd" --compress "$compress" "$4"
    steps/prepare_feats.sh --nj "$nj" --cmd "$train_cmd" --compress "$compress" --speaker-cmvn "$speaker_cmvn" "$4" "$5"
  }
  change_speed() {      # <factor> <data-dir> <copies> <copies without silence>
    steps/perturb_speed.sh --cmd "$train_cmd" "$1" "$2" "$3"
    steps/make_mfcc_pitch.sh --nj "$nj" --cmd "$train_cmd" --compress "$compress" "$3"
    steps/compute_vad.sh --nj "$nj" --cmd "$train_cmd" "$3"
    steps/prepare_feats.sh --nj "$nj" --cmd "$train_cmd" --compress "$compress" --speaker-cmvn "$speaker_cmvn" "$3" "$4"
  }
  each_job augmented add_noise
  each_job speeds change_speed
  each_job classes utils/apply_label_map.sh "$label_map"
  each_job roles local/make_role_dir.sh
  each_job test_folds utils/select_fold.sh --part test
  each_job test_all utils/copy_data_dir.sh
  end_stage
fi

if [ "$stop_stage" -ge 2 ]; then
  log "Audit: do test data share anything with training data?"
  rm -rf "$audits"
  each_job audit local/audit_protocol.sh
fi

if [ "$stage" -le 3 ] && [ "$stop_stage" -ge 3 ]; then
  begin_stage 3 "x-vector nets pretrained on speaker identity"
  run_jobs pretrain "$train_nets" $launcher -m ser.bin.train_xvector --num-threads "$num_threads"
  # A check, if VoxCeleb1's lists of trials are there: the EER of speaker verification (Kaldi's net has 3.13 %).
  each_job gate local/score_voxceleb.sh --nj "$nj" --cmd "$train_cmd"
fi

if [ "$stage" -le 4 ] && [ "$stop_stage" -ge 4 ]; then
  begin_stage 4 "fine-tuning on emotion, a net for each fold"
  run_jobs finetune "$train_nets" $launcher -m ser.bin.train_xvector --num-threads "$num_threads"
fi

if [ "$stage" -le 5 ] && [ "$stop_stage" -ge 5 ]; then
  begin_stage 5 "embeddings of every layer"
  each_job embedded utils/combine_data.sh     # all utterances that train a back end or are scored
  each_job embeddings steps/extract_embeddings.sh --nj "$nj" --cmd "$train_cmd" --layers "$layers"
  each_job encoded steps/extract_audio_embeddings.sh --cmd "$train_cmd" --num-threads "$num_threads"
  each_job voices steps/compare_voices.sh --nj "$nj" --cmd "$train_cmd"      # two names that may be the same person
fi

if [ "$stage" -le 6 ] && [ "$stop_stage" -ge 6 ]; then
  begin_stage 6 "text model and text embeddings"
  # Only in a toy run, which needs no download from the Hub: a tiny BERT of random weights is made.
  run_jobs text_init "$train_cmd" python3 -m ser.bin.build_toy_bert --config "$conf/bert.yaml"
  each_job test_text utils/set_text.sh
  run_jobs text "$cuda_jobs" python3 -m ser.bin.train_text --config "$conf/bert.yaml" --num-threads "$num_threads"
  each_job text_vectors local/make_text_vectors.sh --nj "$nj" --cmd "$train_cmd" --pooling "$pooling"
fi

if [ "$stage" -le 7 ] && [ "$stop_stage" -ge 7 ]; then
  begin_stage 7 "concatenated speech and text embeddings"
  run_short_jobs joined "$train_cmd" ser.bin.concat_vectors --allow-missing true
fi

if [ "$stage" -le 8 ] && [ "$stop_stage" -ge 8 ]; then
  begin_stage 8 "LDA-PLDA, scores of all pairs of test utterances, classes"
  make_cells ser.bin.evaluate_backend --config "$backend_config"
  warn_once arbitrary "$shares" "$logs/cells.JOB.log"      # more than K-1 LDA dimensions
fi

if [ "$stage" -le 9 ] && [ "$stop_stage" -ge 9 ]; then
  begin_stage 9 "table and report"
  each_job human python3 -m ser.bin.score_annotators --label-map "$label_map"     # where annotators' votes are known
  make_results "$label_map"     # $exp/results.tsv, and the protocol card
  each_job report steps/make_report.sh
  run_jobs detector "$train_cmd" python3 -m ser.bin.make_detector \
    --backend-config "$backend_config" --label-map "$label_map"
  log "Report:   $exp/report.html; its pictures and their numbers: $exp/figures; mistakes to hear: $exp/errors.html"
  log "Results:  $exp/results.tsv (every fold); $cells/*"
  for made in $(planned detector); do log "Detector: $made, for ser-detect --model $exp"; done
  log "Models:   $(planned pretrain | xargs) $(planned finetune | xargs) $(planned text | xargs); $cells/*/backend"
fi
end_stage

# Expected of ./run.sh --reproducible true on the toy corpora, in %:
#   awk -F'\t' '$4 == "all" { printf "%s %s %s %.1f %.1f\n", $8, $9, $2, $16, $20 }' exp/toy/results.tsv
#   layer modality    trained on                            EER   UAR
#   bert  text        dailydialog+cremad                    40.3  59.8
#   bert  text        dailydialog+cremad+iemocap            27.4  72.0
#   tdnn6 speech      voxceleb1+cremad                      43.1  45.1
#   tdnn7 speech      voxceleb1+cremad                      43.5  40.5
#   tdnn6 speech+text voxceleb1+cremad+dailydialog          41.3  57.6
#   tdnn7 speech+text voxceleb1+cremad+dailydialog          41.7  57.1
#   tdnn6 speech      voxceleb1+cremad+iemocap              33.4  62.5
#   tdnn7 speech      voxceleb1+cremad+iemocap              32.9  67.1
#   tdnn6 speech+text voxceleb1+cremad+iemocap+dailydialog  24.6  79.8
#   tdnn7 speech+text voxceleb1+cremad+iemocap+dailydialog  22.0  79.7
