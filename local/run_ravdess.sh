#!/usr/bin/env bash
# System A on real speech, small enough for two cores: RAVDESS by speaker folds, and DailyDialog for the text model.
#
# For each of six folds an x-vector net learns to tell the actors of the other folds apart and is fine-tuned on their
# emotions, also as spoken faster and slower; its embeddings of their speech train LDA and PLDA over the five collapsed
# classes. Every pair of the fold's utterances is a trial. No stage of a fold sees its actors. The table is of
# speech alone, since the actors speak two sentences; the text model is trained by itself on DailyDialog and validated
# on its own validation part, less the texts whose words train too, which also picks its epoch.
#
# Expected of actors 1 to 12, without musan, means of three seeds and six folds: UAR 57.5 % from tdnn7 and 57.8 % from
# tdnn6, EER 31.8 % and 32.2 % of all pairs; folds lie between 23 % and 41 %, seeds 2 points apart. With each speaker's
# mean off: UAR 62.8 % and 63.6 %, EER 28.3 % and 28.4 %. The settings were chosen on some of these same folds. 14 minutes
# of one core, and 10 on two cores for a text model of 6 layers. docs/results.md has each fold, and what a floor reaches.
#
# Usage: local/run_ravdess.sh --corpora <dir> [options]
#  e.g.: local/run_ravdess.sh --corpora ../shared/corpora --nj 2
# Options:
#   --corpora <dir>       folder with ravdess and dailydialog; if musan and RIRS_NOISES are there too, the pretraining
#                         sees augmented copies of the speech
#   --stage <n>, --stop-stage <n>   those of run.sh, 0 to 9, for the speech; 10 is the text model
#   --nj <n>, --train-jobs <n>   those of run.sh: jobs and trainings that run at once
#   --num-threads <n>     of a training on the CPU (1); the last bits of a model depend on it
#   --name <name>         of the run: data/<name>, exp/<name>
#   --seed <n>            that of run.sh
#   --hold-out-speakers <share>   that of run.sh
#   --speaker-cmvn true|false   that of run.sh (false)
#   --speaker-normalisation "none,all,first <n>"   that of run.sh
#   --speeds "<factor> ..."   of the copies that fine-tuning sees beside the speech itself ("0.9 1.1"); "" for none
#   --text-model <name on the Hub, or folder>
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
