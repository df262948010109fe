#!/usr/bin/env bash
# Extracts text embeddings for every utterance of a data dir that has text: one vector, or with --level token one row per
# token. Writes <out-dir>/<name of the data dir>.scp.
#
# Usage: steps/extract_text_embeddings.sh [options] <model-dir> <data-dir> <out-dir>
#  e.g.: steps/extract_text_embeddings.sh --pooling mean exp/text data/iemocap exp/text_embeddings
#        steps/extract_text_embeddings.sh --level token t5-base data/iemocap exp/t5
# Options: --nj <n>  --cmd <wrapper>  --pooling cls|mean, for --level utterance  --level utterance|token
set -euo pipefail

nj=4
cmd=utils/run.pl
level=utterance
pooling=        # cls or mean; empty: the model's own

. utils/parse_options.sh
. ./path.sh
[ $# -eq 3 ] || { usage >&2; exit 1; }
model=$1
data=$2
out=$3

[ -f "$data/text" ] || die "no $data/text; text embeddings need the utterances' words"
name=$(basename "$data")
limit_nj "$data"
utils/split_data.sh "$data" "$nj"

$cmd JOB=1:"$nj" "$out/log/extract_$name.JOB.log" \
  python3 -m ser.bin.extract_text_embeddings --level "$level" ${pooling:+--pooling "$pooling"} --done "$out/$name.JOB.done" \
  "$model" "$data/split$nj/JOB" "ark,scp:$out/$name.JOB.ark,$out/$name.JOB.scp"

utils/merge_scp.sh "$out/$name.scp" $(seq -f "$out/$name.%g.scp" "$nj")
log "$out/$name.scp: text embeddings of $(wc -l < "$out/$name.scp") of $(wc -l < "$data/utt2spk") utterances"
