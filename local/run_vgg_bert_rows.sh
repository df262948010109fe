#!/usr/bin/env bash
# Makes one table of the comparisons in system D's paper: 8 classes against 5, RoBERTa against BERT, and a published audio
# encoder against the CNN. Each is a run of local/run_vgg_bert.sh, exp/<name>_<what>; the column `variant` of
# exp/<name>/compared/results.tsv says which. Runs that are finished are not repeated.
#
# Usage: local/run_vgg_bert_rows.sh [options] [-- <option of local/run_vgg_bert.sh>...]
#  e.g.: local/run_vgg_bert_rows.sh --encoder wav2vec=facebook/wav2vec2-base:final -- --iemocap /corpora/IEMOCAP --nj 32
#        local/run_vgg_bert_rows.sh --roberta exp/tiny_roberta --encoder yamnet=exp/yamnet:10      # toy corpora
# Options:
#   --name <name>         the run with 5 classes, BERT and CNN (toy_vgg_bert); it is run if it is not finished
#   --classes8 <map>      label map of the 8 classes; "" leaves these rows out
#   --roberta <name on the Hub, or folder>   the other text model; "" for none
#   --encoder <name>=<folder or name on the Hub>:<layer>   the audio encoder, which is frozen; "" for none
set -euo pipefail
cd "$(dirname "$0")/.."

name=toy_vgg_bert
classes8=conf/emotions/vgg_bert8.map
roberta="roberta-base"
encoder="wav2vec=facebook/wav2vec2-base:final"

. utils/parse_options.sh
. ./path.sh

run() {      # <name> <option>...: a run that is not finished yet
  [ -f "exp/$1/results.tsv" ] || local/run_vgg_bert.sh --name "$@"
  lists+=("@exp/$1/cells/list")
}
lists=()
run "$name" "$@"
[ -z "$classes8" ] || run "${name}_classes8" "$@" --label-map "$classes8" --row-mark classes8
[ -z "$roberta" ] ||
  run "${name}_roberta" "$@" --modalities text --yardsticks "" --text-model "$roberta" --row-mark roberta
[ -z "$encoder" ] ||
  run "${name}_encoder" "$@" --modalities speech --yardsticks "" --copies "" --encoder "$encoder" --row-mark encoder
python3 -m ser.bin.make_results_table "exp/$name/compared" "${lists[@]}"
log "Results: exp/$name/compared/results.tsv"
