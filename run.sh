#!/usr/bin/env bash
# System A: speaker-ID x-vectors fine-tuned on emotion, BERT, and an LDA-PLDA back end, from corpora on disk to a
# table of equal error rates. Without --corpora it runs on tiny synthetic corpora that it makes itself.
#
# Usage: ./run.sh [options]
#  e.g.: ./run.sh                                     # toy corpora: data/toy, exp/toy
#        ./run.sh --corpora /corpora --nj 32          # real ones: data/xvector_bert, exp/xvector_bert
#        ./run.sh --corpora /corpora --estimate       # what that would cost
#        ./run.sh --stage 8                           # again from stage 8
# Options:
#   --stage <n>, --stop-stage <n>   first and last stage:
#       0 data dirs, 1 features, 2 augmentation and folds, 3 pretraining on speakers, 4 fine-tuning on emotion,
#       5 embeddings, 6 text, 7 speech and text together, 8 LDA-PLDA and scores, 9 table and report
#       Between 2 and 3, and before any later stage up to 8, local/audit_protocol.sh stops a run in which something that
#       is scored shares a speaker, session, dialogue or recording with what trains a model for it
#   --check-inputs true|false   whether the run begins by reading again all that the stages before --stage wrote, and
#                         stops where a file is not what it was
#   --estimate true|false   print what each stage costs in disk, CPU hours and GPU hours, and end; conf/rates.yaml says
#                         how that is known
#   --check-disk true|false   whether the run begins by refusing a disk that has less free than that
#   --compress true|false   features kept as one byte a number, as Kaldi keeps them, or as four
#   --nj <n>              jobs that run at once (the number of cores, at most 32)
#   --num-threads <n>     of a training on the CPU (1); the last bits of a model depend on it
#   --processes <n>       GPUs of one machine that share each minibatch of an x-vector training (1)
#   --train-jobs <n>      trainings that run at once, one for each fold (1, or --nj for the toy corpora's tiny nets)
#   --name <name>         of the run: data/<name>, exp/<name>
#   --corpora <dir>       folder with VoxCeleb1, VoxCeleb2, CREMA-D, IEMOCAP_full_release, dailydialog, musan,
#                         RIRS_NOISES, ravdess; those that the roles below name must be there
#   --voxceleb1, --voxceleb2, --cremad, --iemocap, --dailydialog, --ravdess, --musan, --rirs-noises <dir>
#                         a corpus that lies elsewhere
#   --pretrain, --finetune, --backend, --text-train "<corpus> ..."   what each role trains on
#   --test <corpus>       what is scored. Where it is in a training role too, that role is trained once a fold
#                         without the fold's test utterances and speakers; the run without it comes first
#   --drawn-text "<corpus> ..."   training corpora of fixed sentences: their utterances get the text vector of a
#                         random utterance of the same emotion from the text model's corpus
#   --text-condition gold|none|shuffled|<file>   which words are scored: their own, none, each other's, or those of a
#                         file of "<utterance> <words>" a line, such as a recogniser's; training keeps its own. What
#                         has no words is scored by speech alone
#   --augment "<kind> ..."  copies of the pretraining speech: reverb noise music babble; "" for none
#   --finetune-noise true|false   whether fine-tuning sees such copies too
#   --finetune-speeds "<factor> ..."   of further copies for fine-tuning, spoken slower or faster: "0.9 1.1"
#   --label-map <file>    which native labels make which classes
#   --finetune-config <name>  of the settings of fine-tuning in --conf
#   --modalities "speech text speech+text", --layers tdnn6,tdnn7,...
#   --text-model <name on the Hub, or folder>, --pooling cls|mean   in place of the settings in --conf
#   --lda-dim <n>         in place of the settings': the directions that the classes determine, one fewer than they are
#   --backend-config <yaml>
#   --conf <dir>          folder of the settings, conf or conf/toy
#   --rates <yaml>        what the estimate reckons with
# shellcheck disable=SC2034,SC2046,SC2086  # the lists of corpora split into words, and roles.sh reads them
set -euo pipefail
cd "$(dirname "$0")"

stage=0
stop_stage=9
check_inputs=true
estimate=false
check_disk=true
rates=conf/rates.yaml
compress=true
nj=$(($(nproc) < 32 ? $(nproc) : 32))
num_threads=1
processes=1
train_jobs=
name=
corpora=
voxceleb1=
voxceleb2=
cremad=
iemocap=
dailydialog=
ravdess=
musan=
rirs_noises=
pretrain="voxceleb1 voxceleb2"
finetune="cremad iemocap"
backend="cremad iemocap"
text_train="dailydialog"
test="iemocap"
drawn_text="cremad"
text_condition=gold
augment="reverb noise music babble"
finetune_noise=false
finetune_speeds=
finetune_config=xvector_finetune
label_map=conf/emotions/collapsed5.map
modalities="speech text speech+text"
layers=tdnn6,tdnn7
text_model=
pooling=
backend_config=conf/backend.yaml
lda_dim=
conf=

command_line=$(printf "%q " "$0" "$@")
. utils/parse_options.sh
. ./path.sh
. ./cmd.sh
[ $# -eq 0 ] || die "unexpected argument '$1'; --help lists the options"

toy=false
if [ -z "$corpora$voxceleb1$voxceleb2$cremad$iemocap$dailydialog$ravdess" ]; then
  toy=true
  pretrain=${pretrain/voxceleb2/}     # the toy corpora are seven
fi
if $toy; then set_defaults toy conf/toy "$nj"; else set_defaults xvector_bert conf 1; fi
. local/roles.sh
check_settings
if $estimate; then estimate_cost; exit; fi
if $check_disk; then estimate_cost --free; fi
begin_run

if [ "$stage" -le 0 ] && [ "$stop_stage" -ge 0 ]; then
  begin_stage 0 "data dirs in $data"
  if $toy; then local/prepare_toy.sh "$corpora"; fi
  for corpus in $(all_corpora); do
    folder=$(folder_of "$corpus")
    "local/prepare_$corpus.sh" "$folder" "$data/$corpus"
  done
fi

conditions=
if [ "$stop_stage" -ge 2 ]; then
  conditions=$(list_conditions)
  [ -n "$conditions" ] || die "'$test' is all that some role trains on, and it has no folds here; see --help on roles"
fi

if [ "$stage" -le 1 ] && [ "$stop_stage" -ge 1 ]; then
  begin_stage 1 "MFCC and pitch, voice activity, normalised features"
  for corpus in $(speech_corpora); do
    steps/make_mfcc_pitch.sh --nj "$nj" --cmd "$train_cmd" --compress "$compress" "$data/$corpus"
    steps/compute_vad.sh --nj "$nj" --cmd "$train_cmd" "$data/$corpus"
    steps/prepare_feats.sh --nj "$nj" --cmd "$train_cmd" --compress "$compress" "$data/$corpus" "$data/${corpus}_no_sil"
  done
fi

if [ "$stage" -le 2 ] && [ "$stop_stage" -ge 2 ]; then
  begin_stage 2 "augmented copies, emotion classes, folds"
  for corpus in $(augmented_corpora); do
    steps/augment_data_dir.sh --kinds "$augment" \
      "$data/$corpus" "$data/musan" "$data/rirs_noises" "$data/${corpus}_aug"
    steps/make_mfcc_pitch.sh --nj "$nj" --cmd "$train_cmd" --compress "$compress" "$data/${corpus}_aug"
    steps/prepare_feats.sh --nj "$nj" --cmd "$train_cmd" --compress "$compress" \
      "$data/${corpus}_aug" "$data/${corpus}_aug_no_sil"
  done
  for copies in $(speed_copies); do
    corpus=${copies%_speed*}
    steps/perturb_speed.sh --cmd "$train_cmd" "${copies##*_speed}" "$data/$corpus" "$data/$copies"
    steps/make_mfcc_pitch.sh --nj "$nj" --cmd "$train_cmd" --compress "$compress" "$data/$copies"
    steps/compute_vad.sh --nj "$nj" --cmd "$train_cmd" "$data/$copies"
    steps/prepare_feats.sh --nj "$nj" --cmd "$train_cmd" --compress "$compress" "$data/$copies" "$data/${copies}_no_sil"
  done
  for corpus in $(emotion_sources); do
    utils/apply_label_map.sh "$label_map" "$data/$corpus" "$data/${corpus%_no_sil}_emotion"
  done
  make_role() { local/make_role_dir.sh --test "$test" --fold "$2" --kinds "$3" "$data" "$4" "$data/$1_$2"; }
  for fold in $(folds_of $pretrain); do make_role pretrain "$fold" "no_sil ${augment:+aug_no_sil}" "$pretrain"; done
  for fold in $(folds_of $finetune); do make_role finetune "$fold" "emotion $(finetune_copies)" "$finetune"; done
  for fold in $(folds_of $backend); do make_role backend "$fold" emotion "$backend"; done
  if uses text; then for fold in $(folds_of $text_train); do make_role text "$fold" emotion "$text_train"; done; fi
  for condition in $conditions; do
    [ "$condition" = none ] ||
      utils/select_fold.sh --part test "$condition" "$data/${test}_emotion" "$data/test_$condition"
  done
  utils/copy_data_dir.sh "$data/${test}_emotion" "$data/test_none"
fi

if [ "$stop_stage" -ge 2 ]; then
  end_stage
  log "Audit: what is scored against what trains"
  rm -rf "$exp/audit"
  for fold in $(trained_folds); do
    local/audit_protocol.sh --corpora "$(corpus_dirs)" --out "$exp/audit/$fold.tsv" \
      "$data/test_$fold" $(trained_for "$fold")
  done
fi

if [ "$stage" -le 3 ] && [ "$stop_stage" -ge 3 ]; then
  begin_stage 3 "x-vector nets pretrained on speaker identity"
  folds_of $pretrain | xargs -P "$train_jobs" -I FOLD \
    steps/train_xvector.sh --cmd "$cuda_cmd" --num-threads "$num_threads" --processes "$processes" \
    --config "$conf/xvector_pretrain.yaml" "$data/pretrain_FOLD" "$data/pretrain_FOLD/utt2spk" "$exp/pretrain_FOLD"
fi

if [ "$stage" -le 4 ] && [ "$stop_stage" -ge 4 ]; then
  begin_stage 4 "fine-tuning on emotion"
  folds_of $pretrain $finetune | xargs -P "$train_jobs" -I FOLD \
    steps/train_xvector.sh --cmd "$cuda_cmd" --num-threads "$num_threads" --processes "$processes" \
    --config "$conf/$finetune_config.yaml" --init-model "$exp/pretrain_$(fold_of FOLD $pretrain)" \
    "$data/finetune_$(fold_of FOLD $finetune)" \
    "$data/finetune_$(fold_of FOLD $finetune)/utt2emo" "$exp/finetune_FOLD"
fi

if [ "$stage" -le 5 ] && [ "$stop_stage" -ge 5 ]; then
  begin_stage 5 "embeddings of every layer"
  utils/combine_data.sh "$data/embedded" \
    $(for corpus in $(distinct $backend "$test"); do echo "$data/${corpus}_emotion"; done)
  for fold in $(folds_of $pretrain $finetune); do
    steps/extract_embeddings.sh --nj "$nj" --cmd "$train_cmd" --layers "$layers" \
      "$exp/finetune_$fold" "$data/embedded" "$exp/embeddings_$fold"
  done
fi

if [ "$stage" -le 6 ] && [ "$stop_stage" -ge 6 ] && uses text; then
  begin_stage 6 "text model and text embeddings"
  if $toy && [ -z "$text_model" ]; then
    text_model=$exp/bert_init     # the Hub is out of reach of a first try, so a tiny BERT of random weights
    $train_cmd "$exp/log/build_toy_bert.log" \
      python3 -m ser.bin.build_toy_bert --config "$conf/bert.yaml" "$data/text_none" "$text_model"
  fi
  utils/set_text.sh "$text_condition" "$data/${test}_emotion" "$data/test_text"
  for fold in $(folds_of $text_train); do
    steps/train_text.sh --cmd "$cuda_cmd" --num-threads "$num_threads" \
      --config "$conf/bert.yaml" --text-model "$text_model" \
      "$data/text_$fold" "$data/text_$fold/utt2emo" "$exp/text_$fold"
    local/make_text_vectors.sh --nj "$nj" --cmd "$train_cmd" --pooling "$pooling" --drawn "$drawn_text" \
      "$exp/text_$fold" "$data/text_$fold" "$exp/text_embeddings_$fold" $(text_dirs)
    [ -z "$(text_suffix)" ] || local/make_text_vectors.sh --nj "$nj" --cmd "$train_cmd" --pooling "$pooling" \
      "$exp/text_$fold" "$data/text_$fold" "$exp/text_embeddings_$fold$(text_suffix)" "$data/test_text"
  done
fi

if [ "$stage" -le 7 ] && [ "$stop_stage" -ge 7 ] && uses speech+text; then
  begin_stage 7 "speech and text embeddings end to end"
  for fold in $(folds_of $pretrain $finetune $text_train); do
    for layer in ${layers//,/ }; do
      for side in "" $(text_suffix); do     # what trains, and in another text condition what is scored
        $train_cmd "$exp/log/concat_$fold${side}_$layer.log" \
          python3 -m ser.bin.concat_vectors --allow-missing true \
          "scp:$exp/embeddings_$(fold_of "$fold" $pretrain $finetune)/$layer.scp" \
          "scp:$exp/text_embeddings_$(fold_of "$fold" $text_train)$side/all.scp" \
          "ark,scp:$exp/speech+text_$fold$side/$layer.ark,$exp/speech+text_$fold$side/$layer.scp"
      done
    done
  done
fi

if [ "$stage" -le 8 ] && [ "$stop_stage" -ge 8 ]; then
  begin_stage 8 "LDA-PLDA, scores of all pairs of test utterances, classes"
  write_cells "$exp/cells"
  num_cells=$(wc -l < "$exp/cells/list")
  $train_cmd JOB=1:"$num_cells" "$exp/log/evaluate.JOB.log" \
    python3 -m ser.bin.evaluate_backend "@$exp/cells/JOB.args"
  warn_once arbitrary "$num_cells" "$exp/log/evaluate.JOB.log"      # LDA rows past the classes' K-1
fi

if [ "$stage" -le 9 ] && [ "$stop_stage" -ge 9 ]; then
  begin_stage 9 "table and report"
  python3 -m ser.bin.make_results_table "$exp" $(cat "$exp/cells/list")
  if uses text; then text_used | tee "$exp/text_used.txt" | while read -r line; do log "Text of $line"; done; fi
  if [ -f "$data/$test/utt2annotators" ] || [ -f "$data/$test/utt2votes" ]; then
    python3 -m ser.bin.score_annotators --label-map "$label_map" \
      "$data/$test" "$data/test_none/utt2emo" "$exp/human.tsv"
  fi
  python3 -m ser.bin.make_protocol_card --corpora "$(corpus_dirs)" --label-map "$label_map" \
    $(uses text && echo --text-condition "$(text_name)") "$exp"
  steps/make_report.sh "$exp"
  if [[ " $modalities " == *" speech "* ]]; then
    $train_cmd "$exp/log/make_detector.log" \
      python3 -m ser.bin.make_detector --backend-config "$backend_config" --label-map "$label_map" \
      "$data" "$exp" "$exp/detector"
  fi
  log "Report:   $exp/report.html; its pictures and their numbers: $exp/figures"
  log "Results:  $exp/results.tsv (every fold); $exp/cells/*"
  log "Detector: $exp/detector, for ser-detect --model $exp"
  log "Models:   $exp/pretrain_* $exp/finetune_*$(uses text && echo " $exp/text_*"); back ends: $exp/cells/*/backend"
fi
end_stage
