#!/usr/bin/env bash
# System B: emotion recognition from the hidden layers of a speech recogniser. A factored TDNN with i-vectors is trained
# by flat-start LF-MMI; frame classifiers then recognise emotion from its last layers. S. Zhou, H. Beigi, "A transfer
# learning method for speech emotion recognition from automatic speech recognition", 2020; the net is that of Kaldi's
# egs/tedlium/s5_r2/local/chain/tuning/run_tdnn_1g.sh.
#
# Without corpora this runs on toy corpora, in data/toy_asr_tdnn and exp/toy_asr_tdnn. For each fold of the emotion
# corpus, one of the other folds is for validation, and the rest train the classifiers. The row `nested` of the results
# takes the layer that is best on the validation fold. Rows of the back end `plda` are system A's LDA-PLDA on one
# vector per utterance, trained on all other folds. Controls: the same net with random weights, the net with i-vectors of
# zeros, the i-vectors alone, the MFCC alone, and the most frequent class. With --asr-model the layers are those of an
# imported Kaldi model, and only the classifiers are trained.
#
# Usage: local/run_asr_tdnn.sh [options]
#  e.g.: local/run_asr_tdnn.sh
#        local/run_asr_tdnn.sh --corpora /corpora --nj 32
#        local/run_asr_tdnn.sh --iemocap /corpora/IEMOCAP_full_release --asr-model exp/tedlium_1g \
#          --extractor exp/tedlium_extractor --mfcc-config exp/tedlium_1g/mfcc.conf --variants "pretrained no_ivector ivector_only"
# Stages:
#   0 data dirs, 1 classes, MFCC, copies with other speeds and volumes, folds, 2 i-vectors, 3 lexicon and n-gram,
#   4 training of the recogniser, 5 word error rates, 6 bottleneck features, 7 frame classifiers, 8 scores, table and report.
# Options:
#   --speech <corpus>     corpus that the recogniser is trained on: tedlium, librispeech or speechocean762; or data_dir,
#                         for Kaldi data dirs with wav.scp, utt2spk and text, which --train-part and --test-part
#                         name; then give --lexicon, too
#   --train-part <name>, --test-part <name>   its parts (librispeech: train-clean-5, dev-clean-2, or several of them, as
#                         in "train-clean-100 train-clean-360"; tedlium, speechocean762: train, test)
#   --test-speakers <file>  speakers, one per line, who are taken out of the training part and recognised
#   --lexicon <file>      lexicon of lines 'word phone phone ...' (the corpus's own)
#   --lm-text "<file> ..."  sentences for the n-gram, plain or gzip (TED-LIUM's LM/*.en.gz; else the transcripts)
#   --arpa <file>         a ready n-gram in ARPA format, in place of --lm-text
#   --speeds "0.9 1.1"    speeds of the copies of the training part (no copies on the toy corpora)
#   --decode true|false   compute word error rates, with kaldifst and kaldi-decoder; if these are missing, they
#                         are installed before stage 0 (the extra asr)
#   --word-loop true|false  also compute them without a language model: all words are equally likely, so that the word
#                         error rate shows what the net alone has learnt (false)
#   --max-wer <percent>   stop if the word error rate is higher; "" for no limit (40)
#   --max-active <n>      number of paths that the decoder keeps (7000; 500 on toy corpora and for random weights)
#   --lm-weight <x>, --word-penalty <x>  factor of the n-gram's costs, and cost of each word (1, 0); tune them on
#                         held-out speech
#   --asr-model <dir>     imported model (ser.bin.import_nnet3); no recogniser is trained. Give it
#                         --extractor and --mfcc-config, too
#   --extractor <dir>     the i-vector extractor of the imported model, with online.conf
#   --mfcc-config <file>  option file of the MFCC
#   --test <corpus>       emotion corpus with folds
#   --label-map <file>    maps the corpus's labels to the classes
#   --layers "layer12 layer13 prefinal"   layers of the net: layer<n>, prefinal, or the name of a node
#   --frame-offset 0|1|2  the net computes every third frame; this is the first one (0)
#   --variants "pretrained random no_ivector ivector_only mfcc"   inputs of the classifiers; mfcc: the features, no net
#   --statistics "mean mean_stddev"   statistics that make a vector of each utterance for system A's back end; "" for
#                         none (on toy corpora mean_stddev)
#   --backend-config <yaml>  settings of that back end (conf/backend.yaml)
#   --speaker-normalisation "none,all,first <n>"   replaces the setting in --backend-config. Each value gives a row: it
#                         subtracts nothing, or the mean of all or of the first n vectors of each speaker
#   --ivector-history utterance|dialogue|speaker   what an i-vector is estimated from: this utterance, or the earlier
#                         ones of the dialogue or speaker too. Of several ("utterance speaker"), all but the first
#                         are further variants, such as pretrained_by_speaker
#   --processes <n>       number of GPUs of one machine that share each minibatch when the recogniser is trained (1)
#   --vote sum|log        what is summed over the frames of an utterance: probabilities or log probabilities
#   The folder --conf has tdnnf.yaml, ivector.yaml and frames.yaml.
# shellcheck disable=SC2034,SC2046,SC2086  # options are read by make_plan; wrappers and lists split into words
set -euo pipefail
cd "$(dirname "$0")/.."
. utils/recipe.sh     # options of every driver, begin_recipe, each_job, run_jobs ...

speech=tedlium
train_part=
test_part=
test_speakers=
lexicon=
lm_text=
arpa=
speeds="0.9 1.1"
decode=true
word_loop=false
max_wer=40
max_active=7000
lm_weight=1.0
word_penalty=0.0
asr_model=
extractor=
mfcc_config=conf/asr_tdnn/mfcc.conf
test=iemocap
label_map=conf/emotions/asr_tdnn4.map
layers="layer12 layer13 prefinal"
variants="pretrained random no_ivector ivector_only mfcc"
statistics="mean mean_stddev"
backend_config=conf/backend.yaml
speaker_normalisation=
ivector_history=utterance
frame_offset=0
processes=1
vote=sum

. utils/parse_options.sh
. ./path.sh
. ./cmd.sh

begin_recipe asr_tdnn 8 conf/asr_tdnn toy_asr_tdnn "$@"

# The plan (exp/<name>/plan/plan.tsv, or --dry-run true) lists the jobs of each kind. The commands below run them, with
# their settings; each job's own inputs and outputs follow as $1, $2 ..., or in a file of arguments.
trains=true
if [ -n "$asr_model" ]; then trains=false; fi
# A toy run has no copies, which would triple the time of training.
if $toy; then speeds="" max_active=500; fi
# Without this, stage 5 would find out only after hours of training that there is no decoder.
if $trains && $decode && [ "$stage" -le 5 ] && [ "$stop_stage" -ge 5 ]; then
  python3 -c "import kaldifst, kaldi_decoder" 2> /dev/null || utils/make_venv.sh --extras asr ||
    die "no kaldifst or kaldi-decoder, and pip cannot install them: see above, or give --decode false"
fi

if [ "$stage" -le 0 ] && [ "$stop_stage" -ge 0 ]; then
  begin_stage 0 "data dirs in $data"
  prepare_speech() {    # <corpus> <part> <corpus-dir> <data-dir> [<data-dir of the test speakers>]
    local made=$4
    if [ $# -gt 4 ]; then made=$4_all; fi
    if [ "$1" = data_dir ]; then
      utils/copy_data_dir.sh "$2" "$made"
      rm -f "$made"/{feats,cmvn,vad}.scp      # stage 1 makes this net's features
      utils/validate_data_dir.sh --no-feats "$made"
    else
      "local/prepare_$1.sh" --part "$2" "$3" "$made"
    fi
    if [ $# -gt 4 ]; then utils/split_speakers.sh "$test_speakers" "$made" "$5" "$4"; fi
  }
  if $toy; then local/prepare_toy.sh "$corpora"; fi
  each_job prepare bash     # local/prepare_<corpus>.sh <corpus-dir> <data-dir>
  each_job prepare_speech prepare_speech
  make_plan write           # again, now that the folds are known
fi

if [ "$stage" -le 1 ] && [ "$stop_stage" -ge 1 ]; then
  begin_stage 1 "classes, MFCC, copies with other speeds and volumes"
  make_mfcc() { steps/make_mfcc_pitch.sh --nj "$nj" --cmd "$train_cmd" --mfcc-config "$mfcc_config" --pitch-config none "$1"; }
  make_copies() { steps/copy_speech.sh --nj "$nj" --cmd "$train_cmd" --mfcc-config "$mfcc_config" --speeds "$speeds" "$@"; }
  split_fold() {        # <fold> <data-dir> <test> <rest>
    utils/select_fold.sh --part test "$1" "$2" "$3"
    utils/select_fold.sh --part train "$1" "$2" "$4"
  }
  each_job classes utils/apply_label_map.sh "$label_map"
  each_job mfcc make_mfcc
  each_job copies make_copies
  each_job fold_parts split_fold
  each_job audit local/audit_protocol.sh
fi

if [ "$stage" -le 2 ] && [ "$stop_stage" -ge 2 ]; then
  begin_stage 2 "i-vectors"
  train_extractor() { steps/train_ivector_extractor.sh --cmd "$train_cmd" --config "$conf/ivector.yaml" "$@"; }
  extract_ivectors() { steps/extract_ivectors.sh --nj "$nj" --cmd "$train_cmd" --history "$@"; }
  each_job extractor train_extractor
  each_job ivectors extract_ivectors
fi

if [ "$stage" -le 3 ] && [ "$stop_stage" -ge 3 ] && $trains; then
  begin_stage 3 "lexicon and n-gram"
  case $speech in
    tedlium) lexicon=${lexicon:-${tedlium:-$corpora/TEDLIUM_release2}/TEDLIUM.152k.dic}
      lm_text=${lm_text:-$(printf '%s ' "${tedlium:-$corpora/TEDLIUM_release2}"/LM/*.en.gz)} lower=false ;;
    data_dir) lower=false ;;
    librispeech) lexicon=${lexicon:-${librispeech:-$corpora/LibriSpeech}/librispeech-lexicon.txt} lower=true ;;
    *) lexicon=${lexicon:-${speechocean762:-$corpora/speechocean762}/resource/lexicon.txt} lower=true ;;
  esac
  lang_options=()
  for text in $lm_text; do lang_options+=(--lm-text "$text"); done
  if [ -n "$arpa" ]; then lang_options+=(--arpa "$arpa"); fi
  each_job lang python3 -m ser.bin.prepare_lang --lexicon "$lexicon" --lower "$lower" "${lang_options[@]}"
fi

if [ "$stage" -le 4 ] && [ "$stop_stage" -ge 4 ] && $trains; then
  begin_stage 4 "training of the recogniser"
  run_jobs asr "$train_nets" $launcher -m ser.bin.train_asr --config "$conf/tdnnf.yaml" --num-threads "$num_threads"
  run_jobs random_net "$train_cmd" python3 -m ser.bin.train_asr --config "$conf/tdnnf.yaml" --num-threads "$num_threads"
fi

if [ "$stage" -le 5 ] && [ "$stop_stage" -ge 5 ] && $trains && $decode; then
  begin_stage 5 "word error rates"
  run_short_jobs outputs "$train_cmd" ser.bin.compute_nnet_outputs \
    --node output --frame-subsampling 3 --frames-per-chunk 150
  run_short_jobs decode "$train_cmd" ser.bin.decode_outputs \
    --max-active "$max_active" --lm-weight "$lm_weight" --word-penalty "$word_penalty"
  for made in $(planned decode); do log "$made: $(cat "$made")"; done
fi

if [ "$stage" -le 6 ] && [ "$stop_stage" -ge 6 ]; then
  begin_stage 6 "bottleneck features"
  extract_bottlenecks() {
    steps/extract_bottlenecks.sh --nj "$nj" --cmd "$train_cmd" --frames true --frame-offset "$frame_offset" "$@"
  }
  each_job bottlenecks extract_bottlenecks
  run_short_jobs pooled "$train_cmd" ser.bin.pool_frames
fi

if [ "$stage" -le 7 ] && [ "$stop_stage" -ge 7 ]; then
  begin_stage 7 "frame classifiers"
  run_short_jobs frames "$cuda_jobs" ser.bin.train_frames \
    --config "$conf/frames.yaml" --label-map "$label_map" --vote "$vote" --num-threads "$num_threads"
fi

if [ "$stage" -le 8 ] && [ "$stop_stage" -ge 8 ]; then
  begin_stage 8 "cells, table and report"
  rm -rf "$cells"
  each_job cells python3 -m ser.bin.evaluate_frames
  run_short_jobs backends "$train_cmd" ser.bin.evaluate_backends --config "$backend_config"
  if [ -n "$statistics" ]; then cat "$cells"/*.list >> "$cells/list"; fi
  make_results "$label_map" --notes conf/asr_tdnn/traps.tsv
  python3 -m ser.bin.pool_folds "$(planned classes)" "$exp" $(cat "$cells/list")
  each_job report steps/make_report.sh
  run_jobs detector "$train_cmd" python3 -m ser.bin.make_asr_detector --mfcc-config "$mfcc_config" \
    --label-map "$label_map" --backend-config "$backend_config"
  log "Report:  $exp/report.html; errors to play: $exp/errors.html; training curves: $exp/asr/curve.png, $exp/frames/*/*/curve.png"
  log "All folds pooled, and by style, duration and agreement: $exp/pooled.tsv, $exp/confusions.tsv"
  if [ -d "$exp/detector" ]; then log "Detector: ser-detect --model $exp <recording>"; fi
  log "Results: $exp/results.tsv (layer nested is the headline; $cells/choices.tsv); protocol: $exp/protocol_card.md"
fi
end_stage

# Expected on the toy corpora, in %; another processor rounds differently and may give other digits:
#   head exp/toy_asr_tdnn/asr*/decode/wer                         WER 26.63, with random weights 100.00
#   awk -F'\t' '$4 == "all" && $8 == "nested" { print $5, $20 }' exp/toy_asr_tdnn/results.tsv
#   variant       UAR with the layer chosen in validation
#   mfcc          46.77
#   no_ivector    35.40
#   pretrained    37.73
#   random        36.59
