#!/usr/bin/env bats
# The driver of system B and its steps say what they need, and leave nothing behind where that is missing.

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || exit 1
  tmp=$BATS_TEST_TMPDIR
  name=bats_asr_tdnn_$$
}

teardown() {
  rm -rf "data/$name" "exp/$name"
}

@test "run_asr_tdnn.sh --help prints its header" {
  run local/run_asr_tdnn.sh --help
  [ "$status" -eq 0 ]
  [[ "$output" == *"local/run_asr_tdnn.sh --corpora"* ]]
  [[ "$output" == *"--ivector-history utterance|dialogue|speaker"* ]]
}

@test "run_asr_tdnn.sh refuses what it does not know, before it does anything" {
  for options in "argument" "--no-such-option 1" "--test voxceleb1" "--speech cremad" "--variants other" \
    "--ivector-history ever" "--vote most" "--stage 9" "--nj 0" "--conf $tmp" "--decode maybe"; do
    # shellcheck disable=SC2086
    run local/run_asr_tdnn.sh --name "$name" $options
    [ "$status" -eq 1 ]
    [[ "$output" == *"${options##* }"* ]] || [[ "$output" == *"${options%% *}"* ]]
    [ ! -e "exp/$name" ]
  done
  run local/run_asr_tdnn.sh --name "$name" --iemocap "$tmp" --asr-model "$tmp" --variants pretrained
  [ "$status" -eq 1 ]
  [[ "$output" == *"no $tmp/config.yaml"* ]]
}

@test "run_asr_tdnn.sh --dry-run and --estimate leave nothing behind" {
  run local/run_asr_tdnn.sh --name "$name" --dry-run true
  [ "$status" -eq 0 ]
  [[ "$output" == *"pretrained_layer12"* ]]
  run local/run_asr_tdnn.sh --name "$name" --estimate true
  [ "$status" -eq 0 ]
  [[ "$output" == *"4 recogniser"* ]]
  [ ! -e "exp/$name" ] && [ ! -e "data/$name" ]
}

@test "split_speakers.sh parts a data dir by its speakers, with or without the corpus's prefix" {
  mkdir "$tmp/all"
  printf 'so01-a so01\nso02-a so02\nso02-b so02\n' > "$tmp/all/utt2spk"
  printf 'so01 so01-a\nso02 so02-a so02-b\n' > "$tmp/all/spk2utt"
  printf 'so01-a a\nso02-a b\nso02-b c\n' > "$tmp/all/text"
  echo 02 > "$tmp/list"
  run utils/split_speakers.sh "$tmp/list" "$tmp/all" "$tmp/test" "$tmp/train"
  [ "$status" -eq 0 ]
  [ "$(cut -d ' ' -f 1 "$tmp/test/utt2spk" | xargs)" = "so02-a so02-b" ]
  [ "$(cut -d ' ' -f 1 "$tmp/train/utt2spk" | xargs)" = "so01-a" ]
  printf '\xef\xbb\xbfso01\r\nso07\r\n' > "$tmp/list"     # as a Windows editor saves it
  run utils/split_speakers.sh "$tmp/list" "$tmp/all" "$tmp/test" "$tmp/train"
  [ "$status" -eq 0 ]
  [ "$(cut -d ' ' -f 1 "$tmp/test/utt2spk" | xargs)" = "so01-a" ]
  echo 07 > "$tmp/list"
  run utils/split_speakers.sh "$tmp/list" "$tmp/all" "$tmp/test" "$tmp/train"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no speaker of"* ]]
  printf 'so01\nso02\n' > "$tmp/list"
  run utils/split_speakers.sh "$tmp/list" "$tmp/all" "$tmp/test" "$tmp/train"
  [ "$status" -eq 1 ]
  [[ "$output" == *"all speakers of"* ]]
}

@test "run_asr_tdnn.sh takes data dirs of one's own, without their features, and cuts out the test speakers" {
  mkdir "$tmp/mine" "$tmp/clips"
  python3 - "$tmp" <<'END'
import sys

import numpy
import soundfile

for name in ("a-1", "b-1", "c-1"):
    soundfile.write(f"{sys.argv[1]}/clips/{name}.wav", numpy.random.default_rng(ord(name[0])).normal(0, 0.1, 8000), 16000)
END
  for speaker in a b; do
    echo "$speaker-1 $tmp/clips/$speaker-1.wav" >> "$tmp/mine/wav.scp"
    echo "$speaker-1 $speaker" >> "$tmp/mine/utt2spk"
    echo "$speaker $speaker-1" >> "$tmp/mine/spk2utt"
    echo "$speaker-1 one two" >> "$tmp/mine/text"
    echo "$speaker-1 gone.ark:5" >> "$tmp/mine/feats.scp"
  done
  echo b > "$tmp/list"
  printf 'one W AH N\ntwo T UW\n' > "$tmp/lexicon.txt"
  printf 'file,speaker,emotion,fold\na-1.wav,a,anger,1\nb-1.wav,b,anger,2\nc-1.wav,c,anger,3\n' > "$tmp/clips/t.csv"
  run local/run_asr_tdnn.sh --name "$name" --table "$tmp/clips/t.csv" --test table --speech data_dir \
    --train-part "$tmp/mine" --test-speakers "$tmp/list" --lexicon "$tmp/lexicon.txt" --stop-stage 0
  [ "$status" -eq 0 ]
  [ "$(cat "data/$name/data_dir_train/utt2spk")" = "a-1 a" ] && [ "$(cat "data/$name/data_dir_test/utt2spk")" = "b-1 b" ]
  [ ! -e "data/$name/data_dir_train/feats.scp" ]
  rm "$tmp/mine/text"
  run local/run_asr_tdnn.sh --name "$name" --table "$tmp/clips/t.csv" --test table --speech data_dir \
    --train-part "$tmp/mine" --test-speakers "$tmp/list" --lexicon "$tmp/lexicon.txt" --stop-stage 0
  [ "$status" -eq 1 ]
  [[ "$output" == *"no $tmp/mine/text"* ]]
}

@test "run_asr_tdnn.sh asks for a missing decoder before it does anything, and not for later stages" {
  mkdir "$tmp/tree" "$tmp/lacking"
  for part in local ser steps conf path.sh cmd.sh .venv; do ln -s "$PWD/$part" "$tmp/tree/$part"; done
  cp -r utils "$tmp/tree/utils"
  printf '#!/bin/sh\necho "make_venv $*" >> %s/asked\n[ $# -eq 0 ]\n' "$tmp" > "$tmp/tree/utils/make_venv.sh"
  echo 'raise ImportError("not installed")' > "$tmp/lacking/kaldifst.py"
  PYTHONPATH=$tmp/lacking run "$tmp/tree/local/run_asr_tdnn.sh" --name "$name"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no kaldifst or kaldi-decoder"*"--decode false"* ]]
  grep -q "make_venv --extras asr" "$tmp/asked"
  [ ! -e "$tmp/tree/data/$name/corpora" ]
  rm "$tmp/asked"
  PYTHONPATH=$tmp/lacking run "$tmp/tree/local/run_asr_tdnn.sh" --name "$name" --stage 8 --corpora "$tmp"
  run grep "make_venv --extras asr" "$tmp/asked"
  [ "$status" -eq 1 ]
}
