#!/usr/bin/env bash
# Extracts the embeddings of a data dir's utterances at the given layers of an audio encoder, in one pass over the data.
# Reads wav.scp, and segments if there is one. Writes <out-dir>/<layer>.scp with its arks, and left_out, which lists the
# utterances that failed, with reasons. ser.bin.extract_audio_embeddings --help describes the layers.
#
# Usage: steps/extract_audio_embeddings.sh [options] <data-dir> <out-dir>
#  e.g.: steps/extract_audio_embeddings.sh --encoder exp/yamnet --layers "10 final" data/ravdess exp/yamnet/ravdess
# Options: --nj <n>  --cmd <wrapper>  --encoder <name on the Hub, or folder>  --layers "<layer> <layer> ..."
#   --level utterance|frame|patch  --pool mean|mean_std, for an utterance  --every <n>, keep every n-th frame or patch
#   --compress true|false, store frames and patches in one byte per value  --max-seconds <longer recordings are cut>
#   --num-threads <n>  --max-left-out <share of the utterances above which the step fails>
#   --check-disk false, to go on even if the estimate says that the disk is too small
set -euo pipefail

nj=1                 # an encoder uses several threads by itself
cmd=utils/run.pl
encoder=
layers=final
level=utterance
pool=mean
every=1
compress=false
max_seconds=30
num_threads=2
max_left_out=          # the share that ser/kaldi/left_out.py has
check_disk=true

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }
data=$1
out=$2

[ -n "$encoder" ] || die "--encoder: give a name on the Hub or a folder, such as one of ser.bin.import_audio_net"
[ -f "$data/wav.scp" ] || die "no $data/wav.scp; run local/prepare_<corpus>.sh"
limit_nj "$data"
utils/split_data.sh "$data" "$nj"
split=$data/split$nj
options=(--pool "$pool" --every "$every" --compress "$compress" --max-seconds "$max_seconds" --max-left-out 1)
[ ! -f "$data/segments" ] || options+=(--segments "$split/JOB/segments")

$cmd JOB=1:"$nj" --num-threads "$num_threads" "$out/log/extract.JOB.log" \
  python3 -m ser.bin.extract_audio_embeddings --encoder "$encoder" --layers "${layers// /,}" --level "$level" \
  "${options[@]}" --check-disk "$check_disk" --num-threads "$num_threads" --job JOB --done "$out/embeddings.JOB.done" \
  --left-out "$out/left_out.JOB" "scp:$split/JOB/wav.scp" "$out"

tables=()
for layer in ${layers//,/ }; do tables+=("$out/$layer.JOB.scp:$layer.scp"); done
utils/merge_jobs.sh ${max_left_out:+--max-left-out "$max_left_out"} --left-out "$out/left_out.JOB" --out "$out" \
  "$data" "$nj" "${tables[@]}"
log "$out: embeddings at ${layers//,/ } of $(wc -l < "$data/utt2spk") utterances, $(wc -l < "$out/left_out") left out"
