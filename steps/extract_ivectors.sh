#!/usr/bin/env bash
# Extracts online i-vectors, one every 10 frames, for every utterance of a data dir, with an extractor that was trained
# here or by Kaldi. Writes <out-dir>/ivector_online.scp. --history says from which speech an i-vector is estimated:
# utterance, this utterance up to the frame; dialogue, also the speaker's earlier utterances in the dialogue (in the order
# of utt2start, if there is one); speaker, also all earlier utterances of the speaker; <n>, the speaker's utterances in
# groups of n.
#
# Usage: steps/extract_ivectors.sh [options] <extractor-dir or its online.conf> <data-dir> <out-dir>
#  e.g.: steps/extract_ivectors.sh --history utterance exp/extractor data/iemocap_hires exp/ivectors/iemocap
#        steps/extract_ivectors.sh --history 2 exp/extractor data/tedlium_hires exp/ivectors/tedlium
# Options: --nj <n>  --cmd <wrapper>  --history utterance|dialogue|speaker|<n>
#   --max-left-out <share of the utterances above which the step fails>
set -euo pipefail

nj=4
cmd=utils/run.pl
history=utterance
max_left_out=          # empty: the default of ser/kaldi/left_out.py

. utils/parse_options.sh
. ./path.sh
[ $# -eq 3 ] || { usage >&2; exit 1; }
config=$1
data=$2
out=$3

[ ! -d "$config" ] || config=$config/online.conf
[ -f "$config" ] || die "no $config; run steps/train_ivector_extractor.sh, or give the option file of an extractor"
[ -f "$data/feats.scp" ] || die "no $data/feats.scp; run steps/make_mfcc_pitch.sh $data"
# All utterances of a history must be in the same job.
[ "$history" = utterance ] || nj=1
limit_nj "$data"
utils/split_data.sh "$data" "$nj"
mkdir -p "$out"
for job in $(seq "$nj"); do
  python3 -m ser.bin.make_histories --history "$history" "$data/split$nj/$job" "$out/spk2utt.$job"
done

$cmd JOB=1:"$nj" "$out/log/extract.JOB.log" \
  env OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
  python3 -m ser.bin.extract_online_ivectors --config "$config" --max-left-out 1 \
  --left-out "$out/left_out.JOB" --done "$out/ivector_online.JOB.done" \
  "ark:$out/spk2utt.JOB" "scp:$data/split$nj/JOB/feats.scp" "ark,scp:$out/ivector_online.JOB.ark,$out/ivector_online.JOB.scp"

utils/merge_jobs.sh ${max_left_out:+--max-left-out "$max_left_out"} --left-out "$out/left_out.JOB" --out "$out" \
  "$data" "$nj" "$out/ivector_online.JOB.scp:ivector_online.scp"
log "$out/ivector_online.scp: i-vectors of $(wc -l < "$out/ivector_online.scp") of $(wc -l < "$data/utt2spk") utterances"
