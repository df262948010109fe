#!/usr/bin/env bash
# System A on real speech, small enough for two cores: RAVDESS with speaker folds, and DailyDialog for the text model.
#
# For each of six folds, an x-vector net is pretrained on the identity of the other folds' actors, then fine-tuned on
# their emotions, with copies spoken faster and slower. LDA and PLDA are trained on its embeddings of the same speech, by
# the five collapsed classes. Every pair of the fold's utterances is a trial. No stage of a fold uses its actors.
# The table is of speech alone, since the actors speak only two sentences. The text model is trained separately, on
# DailyDialog. Its epoch is chosen on DailyDialog's validation part, without the texts that are in the training part too.
#
# Expected for actors 1 to 12, without musan, means over three seeds and six folds: UAR 56.4 % for tdnn7 and 57.4 % for
# tdnn6, EER of all pairs 31.3 % and 31.5 %; folds are between 23 % and 40 %, seeds 1 point apart. With features
# normalised by speaker and each speaker's mean subtracted: UAR 69.3 % and 68.9 %, EER 24.3 % and 25.1 %. The settings
# were chosen on some of these same folds. It takes 14 minutes on one core; a text model of 6 layers takes 10 minutes on
# two cores. docs/results.md has each fold and the baseline of pooled features.
#
# Usage: local/run_ravdess.sh --corpora <dir> [options]
#  e.g.: local/run_ravdess.sh --corpora /corpora --nj 2
# Options:
#   --corpora <dir>       folder with ravdess and dailydialog; if musan and RIRS_NOISES are there too, pretraining uses
#                         augmented copies of the speech
#   --stage <n>, --stop-stage <n>   stages 0 to 9 are those of run.sh, for speech; stage 10 is the text model
#   --nj <n>, --train-jobs <n>   as in run.sh: jobs and trainings that run at once
#   --num-threads <n>     threads of a training on the CPU (1); the last bits of a model depend on it
#   --name <name>         name of the run: data/<name>, exp/<name>
#   --seed <n>            as in run.sh
#   --hold-out-speakers <share>   as in run.sh
#   --speaker-cmvn true|false   as in run.sh (false)
#   --speaker-normalisation "none,all,first <n>"   as in run.sh
#   --speeds "<factor> ..."   speeds of the further copies that fine-tuning uses ("0.9 1.1"); "" for none
#   --text-model <name on the Hub, or folder>   (bert-base-uncased)
set -euo pipefail

corpora=
stage=0
stop_stage=10
nj=
train_jobs=
num_threads=1
name=ravdess
seed=
speaker_normalisation=
hold_out_speakers=
speaker_cmvn=false
speeds="0.9 1.1"
text_model=bert-base-uncased

. utils/parse_options.sh
. ./path.sh
. ./cmd.sh
[ $# -eq 0 ] || die "unexpected argument '$1'; --help lists the options"
[ -n "$corpora" ] || die "no corpora; give --corpora <dir>, the folder with ravdess and dailydialog"
for corpus in ravdess dailydialog; do
  [ -d "$corpora/$corpus" ] || die "no folder $corpora/$corpus; give --corpora the folder that it lies in"
done

data=data/$name
exp=exp/$name
augment=
if [ -d "$corpora/musan" ] && [ -d "$corpora/RIRS_NOISES" ]; then
  augment="reverb noise music babble"
else
  log "No augmented copies in pretraining: $corpora has no musan or no RIRS_NOISES"
fi

last=$((stop_stage < 9 ? stop_stage : 9))
[ "$stage" -gt "$last" ] || ./run.sh --stage "$stage" --stop-stage "$last" ${nj:+--nj "$nj"} \
  --num-threads "$num_threads" --train-jobs "$train_jobs" --name "$name" --seed "$seed" --corpora "$corpora" \
  --pretrain ravdess --finetune ravdess --backend ravdess --test ravdess \
  --modalities speech --drawn-text "" --augment "$augment" --finetune-speeds "$speeds" \
  --conf conf/ravdess --backend-config conf/ravdess/backend.yaml --speaker-normalisation "$speaker_normalisation" \
  ${hold_out_speakers:+--hold-out-speakers "$hold_out_speakers"} --speaker-cmvn "$speaker_cmvn"

if [ "$stage" -le 10 ] && [ "$stop_stage" -ge 10 ]; then
  log "Stage 10: the text model on DailyDialog"
  local/prepare_dailydialog.sh "$corpora/dailydialog" "$data/dailydialog"
  utils/apply_label_map.sh conf/emotions/collapsed5.map "$data/dailydialog" "$data/text"
  steps/train_text.sh --cmd "$cuda_cmd" --num-threads "$num_threads" --text-model "$text_model" \
    "$data/text" "$data/text/utt2emo" "$exp/text"
fi
