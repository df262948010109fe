#!/usr/bin/env bash
# Computes hidden layers of a speech recogniser for every utterance of a data dir. <out-dir>/<layer>.scp has one vector
# per utterance, the mean of its frames, for the back end. With --frames true, <out-dir>/frames/<layer>.scp has the frames
# themselves, 33 per second. The net was trained here or imported (python3 -m ser.bin.import_nnet3).
#
# Usage: steps/extract_bottlenecks.sh [options] <model-dir> <data-dir> <out-dir>
#  e.g.: steps/extract_bottlenecks.sh --ivectors exp/ivectors/iemocap/ivector_online.scp exp/tedlium data/iemocap_hires exp/bottlenecks
# Options: --nj <n>  --cmd <wrapper>  --layers <layer,layer,...>: layer<n>, prefinal, or the name of a node
#   --ivectors <ivector_online.scp>, for a net that takes i-vectors; or zero, for i-vectors of zeros
#   --statistics mean|mean_stddev  --frames true|false  --float16 true|false (store frames in two bytes per value)
#   --frame-offset 0|1|2 (every third frame is computed; this is the first one)
#   --max-left-out <share of the utterances above which the step fails>
set -euo pipefail

nj=4
cmd=utils/run.pl
layers=layer12,layer13,prefinal
ivectors=
statistics=mean
frames=false
float16=true
frame_offset=0
max_left_out=          # empty: the default of ser/kaldi/left_out.py

. utils/parse_options.sh
. ./path.sh
[ $# -eq 3 ] || { usage >&2; exit 1; }
model=$1
data=$2
out=$3

[ -f "$data/feats.scp" ] || die "no $data/feats.scp; run steps/make_mfcc_pitch.sh $data"
[ -f "$model/model.safetensors" ] || die "no $model/model.safetensors; train a recogniser, or import one: python3 -m ser.bin.import_nnet3"
options=(--frame-offset "$frame_offset" --statistics "$statistics" --frames "$frames" --float16 "$float16")
case $ivectors in
  '') ;;
  zero) options+=(--zero-ivectors true) ;;
  *) [ -f "$ivectors" ] || die "no $ivectors; run steps/extract_ivectors.sh"
    options+=(--online-ivectors "scp:$ivectors") ;;
esac
limit_nj "$data"
utils/split_data.sh "$data" "$nj"

$cmd JOB=1:"$nj" "$out/log/extract.JOB.log" \
  python3 -m ser.bin.extract_bottlenecks --layers "$layers" "${options[@]}" --num-threads 1 --job JOB \
  --max-left-out 1 --left-out "$out/left_out.JOB" --done "$out/bottlenecks.JOB.done" \
  "$model" "scp:$data/split$nj/JOB/feats.scp" "$out"

tables=()
for layer in ${layers//,/ }; do
  tables+=("$out/$layer.JOB.scp:$layer.scp")
  [ "$frames" = false ] || tables+=("$out/frames/$layer.JOB.scp:frames/$layer.scp")
done
utils/merge_jobs.sh ${max_left_out:+--max-left-out "$max_left_out"} --left-out "$out/left_out.JOB" --out "$out" \
  "$data" "$nj" "${tables[@]}"
log "$out: bottlenecks of $(wc -l < "$out/${layers%%,*}.scp") of $(wc -l < "$data/utt2spk") utterances at $layers"
