#!/usr/bin/env bats
# Every step fails with a message where its input is missing, its arguments are wrong or its job fails.

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || exit 1
  tmp=$BATS_TEST_TMPDIR
  mkdir -p "$tmp/data"
  printf 's1-a s1\n' > "$tmp/data/utt2spk"
  printf 's1 s1-a\n' > "$tmp/data/spk2utt"
}

@test "every script refuses no arguments with its usage, and an unknown option by name" {
  for script in steps/*.sh local/*.sh; do
    case "$script" in steps/make_feats.sh) continue ;; esac     # to be sourced
    if [[ "$script" != local/run_*.sh || "$script" = local/run_experiments.sh ]]; then     # a driver runs without
      run "$script"
      [ "$status" -eq 1 ] || { echo "$script: $output"; false; }
      [[ "$output" == *"sage: $script"* ]] || { echo "$script: $output"; false; }
    fi
    run "$script" --no-such-option 1
    [ "$status" -eq 1 ] || { echo "$script: $output"; false; }
    [[ "$output" == *"unknown option --no-such-option"* ]] || { echo "$script: $output"; false; }
  done
}

@test "run.sh refuses an unknown option, an argument, and a missing corpus" {
  run ./run.sh --no-such-option 1
  [ "$status" -eq 1 ]
  run ./run.sh argument
  [ "$status" -eq 1 ]
  [[ "$output" == *"unexpected argument 'argument'"* ]]
  run ./run.sh --name "bats_$$" --corpora "$tmp/absent" --stop-stage 0
  [ "$status" -ne 0 ]
  [[ "$output" == *"$tmp/absent"* ]]
  rm -rf "data/bats_$$" "exp/bats_$$"
}

@test "run.sh refuses to draw text by label for what is scored" {
  run ./run.sh --name "bats_$$" --drawn-text "cremad iemocap" --stop-stage 0
  [ "$status" -eq 1 ]
  [[ "$output" == *"the draw uses the labels"* ]]
  [ ! -e "data/bats_$$" ]
}

@test "make_mfcc_pitch.sh names what is wrong with the data dir" {
  run steps/make_mfcc_pitch.sh "$tmp/data"
  [ "$status" -eq 1 ]
  [[ "$output" == *"wav.scp"* ]]
}

@test "make_mfcc_pitch.sh fails where over 5 % of the clips cannot be read, and lists them" {
  echo "s1-a $tmp/absent.wav" > "$tmp/data/wav.scp"
  : > "$tmp/absent.wav"
  run steps/make_mfcc_pitch.sh --nj 1 "$tmp/data"
  [ "$status" -eq 1 ]
  [[ "$output" == *"1 of 1 utterances"* ]]
  grep -q '^s1-a ' "$tmp/data/left_out"
  [ ! -e "$tmp/data/feats.scp" ]
}

@test "feature steps that are run again do what is missing, and only that" {
  mkdir "$tmp/d"
  for utt in s1-a s2-b; do
    .venv/bin/python3 -c "import numpy, soundfile; soundfile.write('$tmp/$utt.wav', numpy.random.default_rng(0).normal(0, 0.1, 16000), 16000)"
    echo "$utt $tmp/$utt.wav" >> "$tmp/d/wav.scp"
    echo "$utt ${utt%-*}" >> "$tmp/d/utt2spk"
    echo "${utt%-*} $utt" >> "$tmp/d/spk2utt"
  done
  all_steps() {
    steps/make_mfcc_pitch.sh --nj 2 "$tmp/d" && steps/compute_vad.sh --nj 2 "$tmp/d" &&
      steps/prepare_feats.sh --nj 2 "$tmp/d" "$tmp/e"
  }
  done_before() { grep -l "nothing to do" "$tmp"/{d,e}/log/*.log | xargs -rn 1 basename | xargs; }
  run all_steps
  [ "$status" -eq 0 ]
  [ -z "$(done_before)" ]
  find "$tmp"/{d,e} -name '*.ark' -exec sha256sum {} + > "$tmp/sums"
  run all_steps
  [ "$status" -eq 0 ]
  [ "$(done_before | wc -w)" -eq 6 ]
  rm "$tmp/d/data/raw_mfcc_pitch_d.2.ark"
  run all_steps
  [ "$status" -eq 0 ]
  [ "$(done_before)" = "compute_vad_d.1.log make_mfcc_pitch_d.1.log prepare_feats_e.1.log" ]
  run sha256sum --quiet --check "$tmp/sums"
  [ "$status" -eq 0 ]
  # The same with the statistics of speakers; copies of other statistics train beside the speech that they are copies of.
  utils/copy_data_dir.sh --utt-suffix=-noise "$tmp/d" "$tmp/copies"
  for _ in 1 2; do
    for name in d copies; do steps/prepare_feats.sh --nj 2 --speaker-cmvn true "$tmp/$name" "$tmp/${name}_cmvn"; done
  done
  [ "$(grep -l "nothing to do" "$tmp"/{d,copies}_cmvn/log/*.log | wc -l)" -eq 6 ]
  utils/combine_data.sh "$tmp/both" "$tmp/d_cmvn" "$tmp/copies_cmvn"
  [ "$(wc -l < "$tmp/both/feats.scp")" -eq 4 ]
}

@test "compute_vad.sh, prepare_feats.sh and the training steps name the missing table and its maker" {
  run steps/compute_vad.sh "$tmp/data"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no $tmp/data/feats.scp; run steps/make_mfcc_pitch.sh"* ]]
  run steps/prepare_feats.sh "$tmp/data" "$tmp/out"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no $tmp/data/feats.scp"* ]]
  run steps/train_xvector.sh "$tmp/data" "$tmp/data/utt2spk" "$tmp/model"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no $tmp/data/feats.scp"* ]]
  run steps/extract_embeddings.sh "$tmp/model" "$tmp/data" "$tmp/out"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no $tmp/data/feats.scp"* ]]
  run steps/train_text.sh "$tmp/data" "$tmp/data/utt2spk" "$tmp/model"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no $tmp/data/text"* ]]
  run steps/extract_text_embeddings.sh "$tmp/model" "$tmp/data" "$tmp/out"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no $tmp/data/text"* ]]
}

@test "extract_audio_embeddings.sh extracts every layer, again does nothing, and says what is missing" {
  run steps/extract_audio_embeddings.sh "$tmp/data" "$tmp/out"
  [ "$status" -eq 1 ]
  [[ "$output" == *"--encoder: give a name on the Hub or a folder"* ]]
  run steps/extract_audio_embeddings.sh --encoder "$tmp/net" "$tmp/data" "$tmp/out"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no $tmp/data/wav.scp"* ]]
  .venv/bin/python3 -c "import numpy, soundfile; soundfile.write('$tmp/a.wav', numpy.random.default_rng(0).normal(0, 0.1, 16000), 16000)"
  echo "s1-a $tmp/a.wav" > "$tmp/data/wav.scp"
  PYTHONPATH=. .venv/bin/python3 -m ser.bin.build_toy_encoder --kind hubert-base "$tmp/net"
  for _ in 1 2; do
    run steps/extract_audio_embeddings.sh --nj 2 --encoder "$tmp/net" --layers "0 final" "$tmp/data" "$tmp/out"
    [ "$status" -eq 0 ] || { echo "$output"; false; }
  done
  [ "$(wc -l < "$tmp/out/0.scp")" -eq 1 ] && [ "$(wc -l < "$tmp/out/final.scp")" -eq 1 ]
  grep -q "nothing to do" "$tmp/out/log/extract.1.log"
}

@test "the steps of i-vectors and bottlenecks make them, again do nothing, and say what is missing" {
  for script in train_ivector_extractor extract_ivectors extract_bottlenecks; do
    run steps/$script.sh "$tmp/data" "$tmp/data" "$tmp/out"
    [ "$status" -eq 1 ] || { echo "$script: $output"; false; }
  done
  reference=$PWD/tests/kaldi_reference
  mkdir -p "$tmp/hires"
  printf 'click click\nglide glide\nnoise noise\nsilence silence\n' > "$tmp/hires/utt2spk"
  cp "$tmp/hires/utt2spk" "$tmp/hires/spk2utt"
  export PYTHONPATH=. PATH=$PWD/.venv/bin:$PATH
  python3 -c "from ser.kaldi import ark
with ark.Writer('ark,scp:$tmp/hires/feats.ark,$tmp/hires/feats.scp') as writer:
    for utt, features in ark.read('ark:$reference/feats/mfcc_hires.ark'):
        writer.write(utt, features)"
  sed -e 's/dim: 24/dim: 8/; s/num_gaussians: 16/num_gaussians: 4/; s/num_initial: 8/num_initial: 2/' \
    -e 's/ivector_dim: 8/ivector_dim: 10/; s/min_count: 20/min_count: 1/' conf/toy/asr_tdnn/ivector.yaml > "$tmp/ivector.yaml"
  python3 -m ser.bin.import_nnet3 "$reference/chain_nnet3/final.mdl" "$tmp/net"
  for _ in 1 2; do
    run steps/train_ivector_extractor.sh --config "$tmp/ivector.yaml" "$tmp/hires" "$tmp/extractor"
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    run steps/extract_ivectors.sh --nj 2 "$tmp/extractor" "$tmp/hires" "$tmp/ivectors"
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    run steps/extract_bottlenecks.sh --nj 2 --layers layer5,layer6 --frames true \
      --ivectors "$tmp/ivectors/ivector_online.scp" "$tmp/net" "$tmp/hires" "$tmp/bottlenecks"
    [ "$status" -eq 0 ] || { echo "$output"; false; }
  done
  grep -q "nothing to do" "$tmp/extractor/log/train_ubm.log"
  grep -q "nothing to do" "$tmp/ivectors/log/extract.2.log"
  grep -q "nothing to do" "$tmp/bottlenecks/log/extract.1.log"
  [ "$(wc -l < "$tmp/bottlenecks/layer6.scp")" -eq 4 ] && [ "$(wc -l < "$tmp/bottlenecks/frames/layer5.scp")" -eq 4 ]
  # One bad utterance of four is one of two in its job: the limit is a share of all.
  mkdir "$tmp/bad"
  cp "$tmp/hires"/{utt2spk,spk2utt} "$tmp/bad"
  python3 -c "from ser.kaldi import ark
with ark.Writer('ark,scp:$tmp/bad/feats.ark,$tmp/bad/feats.scp') as writer:
    for utt, features in ark.read('scp:$tmp/hires/feats.scp'):
        writer.write(utt, features[:, :5] if utt == 'click' else features)"
  run steps/extract_ivectors.sh --nj 2 --max-left-out 0.25 "$tmp/extractor" "$tmp/bad" "$tmp/some"
  [ "$status" -eq 0 ] || { echo "$output"; false; }
  [ "$(cut -d" " -f1 "$tmp/some/ivector_online.scp" | xargs)" = "glide noise silence" ]
  run steps/extract_ivectors.sh --nj 2 "$tmp/extractor" "$tmp/bad" "$tmp/none"
  [ "$status" -eq 1 ]
  [[ "$output" == *"1 of 4 utterances cannot be used"*"--max-left-out allows 5 %"* ]]
  [ ! -e "$tmp/none/ivector_online.scp" ]
  run steps/extract_bottlenecks.sh --ivectors "$tmp/absent" "$tmp/net" "$tmp/hires" "$tmp/out"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no $tmp/absent; run steps/extract_ivectors.sh"* ]]
}

@test "speaker verification names the lists of trials that are not there" {
  run steps/score_speakers.sh --trials "$tmp/absent" "$tmp/model" "$tmp/data" "$tmp/data" "$tmp/out"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no $tmp/absent; give --trials a list of trials"* ]]
  run local/score_voxceleb.sh "$tmp" "$tmp/model" "$tmp/data" "$tmp/test" "$tmp/test_no_sil" "$tmp/out"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no veri_test.txt and no veri_test2.txt in $tmp"* ]]
  run local/score_speechocean762.sh "$tmp" "$tmp/absent" "$tmp/data" "$tmp/out"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no list $tmp/absent; give the speakers to score"* ]]
}

@test "compare_systems.sh names a data dir without folds" {
  mkdir "$tmp/bare"
  run local/compare_systems.sh "$tmp/bare" "$tmp/out"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no $tmp/bare/utt2fold; prepare the corpus with --folds"* ]]
}

@test "tune_audio_encoder.sh trains and scores a model for each fold, and writes its embeddings" {
  run local/tune_audio_encoder.sh "$tmp/data" "$tmp/out"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no $tmp/data/utt2fold; prepare the corpus with --folds"* ]]
  PYTHONPATH=. .venv/bin/python3 -m ser.bin.build_toy_encoder --kind hubert-base "$tmp/net"
  .venv/bin/python3 - "$tmp/data" <<'PY'
import sys
from pathlib import Path

import numpy as np
import soundfile

data, rng = Path(sys.argv[1]), np.random.default_rng(0)
lines = {name: "" for name in ("wav.scp", "utt2spk", "utt2emo", "utt2fold", "spk2utt")}
for speaker in range(1, 5):
    utts = [f"s{speaker}-{number}" for number in range(2)]
    lines["spk2utt"] += f"s{speaker} {' '.join(utts)}\n"
    for number, utt in enumerate(utts):
        soundfile.write(data / f"{utt}.wav", rng.normal(0, 0.01 + 0.2 * number, 6000).clip(-1, 1), 16000)
        lines["wav.scp"] += f"{utt} {data}/{utt}.wav\n"
        lines["utt2spk"] += f"{utt} s{speaker}\n"
        lines["utt2emo"] += f"{utt} {('neutral', 'anger')[number]}\n"
        lines["utt2fold"] += f"{utt} {1 + speaker % 2}\n"
for name, text in lines.items():
    (data / name).write_text(text)
PY
  sed 's/epochs: 12/epochs: 2/; s/precision: bf16/precision: fp32/; s/top_blocks: -1/top_blocks: 1/; s/groups: 3/groups: 1/' \
    conf/audio_encoder.yaml > "$tmp/tune.yaml"
  run local/tune_audio_encoder.sh --encoder "$tmp/net" --config "$tmp/tune.yaml" --speeds 0.9 --layers 1 \
    --pools "mean mean_std" "$tmp/data" "$tmp/out"
  echo "$output"
  [ "$status" -eq 0 ]
  [ "$(wc -l < "$tmp/out/data/train_1_speeds/utt2spk")" -eq 8 ]      # 4 of the other fold, and their slower copies
  for fold in 1 2; do
    [ "$(wc -l < "$tmp/out/embeddings_$fold/1.scp")" -eq 8 ]
    [ "$(wc -l < "$tmp/out/embeddings_${fold}_mean_std/1.scp")" -eq 8 ]
    [ "$(wc -l < "$tmp/out/cells/$fold/predictions.txt")" -eq 4 ]
  done
  awk -F '\t' '$4 == "all" { found = 1 } END { exit !found }' "$tmp/out/results.tsv"
}
