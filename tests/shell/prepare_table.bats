#!/usr/bin/env bats
# local/prepare_table.sh: the contract of its options, its exit status and left_out.

setup_file() {
  cd "$BATS_TEST_DIRNAME/../.." || return
  . ./path.sh
  export MINE="$BATS_FILE_TMPDIR/mine"
  python3 - "$MINE" <<'EOF'
import sys, wave
from pathlib import Path
folder, lines = Path(sys.argv[1]), ["file,who,mood"]
for number, speaker in enumerate("abcdef"):
    for emotion in ("happy", "sad"):
        path = folder / f"wav/{speaker}/{emotion}_1.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as stream:
            stream.setparams((1, 2, 16000, 0, "NONE", "NONE"))
            stream.writeframes(bytes([number, emotion == "sad"]) * 1600)
        lines.append(f"{path.relative_to(folder)},{speaker},{emotion}")
(folder / "mine.csv").write_text("\n".join(lines) + "\n")
(folder / "gone.csv").write_text("\n".join([*lines, "wav/a/gone.wav,a,sad"]) + "\n")
EOF
}

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || return
  data="$BATS_TEST_TMPDIR/data"
}

@test "a csv with named columns becomes a valid data dir with speaker folds" {
  local/prepare_table.sh --speaker who --emotion mood --folds speaker:3 "$MINE/mine.csv" "$data"
  utils/validate_data_dir.sh --no-feats --no-text "$data"
  [ "$(wc -l < "$data/utt2spk")" -eq 12 ]
  [ "$(cut -d ' ' -f 2 "$data/utt2fold" | sort | uniq -c | tr -s ' \n' ' ')" = " 4 1 4 2 4 3 " ]
  [ ! -s "$data/left_out" ]
}

@test "a folder is read by a pattern, to the same utterances as its table" {
  local/prepare_table.sh --pattern 'wav/{speaker}/{emotion}_{n}.wav' "$MINE" "$data"
  local/prepare_table.sh --speaker who --emotion mood "$MINE/mine.csv" "$BATS_TEST_TMPDIR/other/data"
  diff "$data/utt2emo" "$BATS_TEST_TMPDIR/other/data/utt2emo"
  diff "$data/utt2fold" "$BATS_TEST_TMPDIR/other/data/utt2fold"
}

@test "files are looked up below --audio-dir" {
  mkdir -p "$BATS_TEST_TMPDIR/tables"
  cp "$MINE/mine.csv" "$BATS_TEST_TMPDIR/tables"
  run local/prepare_table.sh "$BATS_TEST_TMPDIR/tables/mine.csv" "$data"
  [ "$status" -eq 1 ]
  [[ "$output" == *"12 of 12 rows cannot be used"*"wav/a/happy_1.wav, wav/a/sad_1.wav"*"--audio-dir"* ]]
  local/prepare_table.sh --audio-dir "$MINE" "$BATS_TEST_TMPDIR/tables/mine.csv" "$data"
}

@test "what is missing is named in left_out, and above 5 % the exit is 1 with the names" {
  run local/prepare_table.sh --speaker who --emotion mood "$MINE/gone.csv" "$data"
  [ "$status" -eq 1 ]
  [[ "$output" == *"1 of 13 rows cannot be used"*"wav/a/gone.wav"* ]]
  [[ "$(cat "$data/left_out")" == "wav/a/gone.wav missing audio file"* ]]
  [ ! -e "$data/utt2spk" ]
}

@test "what a data dir has left out is known again after its table went out and came back" {
  (cat "$MINE/mine.csv"; echo "wav/a/sad_1.wav,a,sad") > "$BATS_TEST_TMPDIR/mine.csv"
  local/prepare_table.sh --audio-dir "$MINE" --speaker who --emotion mood "$BATS_TEST_TMPDIR/mine.csv" "$data"
  [ "$(cat "$data/left_out")" = "wav/a/sad_1.wav the same recording as wav/a/sad_1.wav" ]
  for format in audformat emobox; do
    utils/export_table.sh --format $format --name mine "$data" "$BATS_TEST_TMPDIR/$format"
  done
  for table in audformat/db.utterances.csv emobox/mine.jsonl; do
    local/prepare_table.sh "$BATS_TEST_TMPDIR/$table" "$BATS_TEST_TMPDIR/back"
    diff "$data/left_out" "$BATS_TEST_TMPDIR/back/left_out"
    [ "$(wc -l < "$BATS_TEST_TMPDIR/back/utt2spk")" -eq 12 ]
  done
  rm "$data/left_out"     # a data dir without the list leaves no old one beside the table
  utils/export_table.sh "$data" "$BATS_TEST_TMPDIR/audformat"
  [ ! -s "$BATS_TEST_TMPDIR/audformat/db.utterances.left_out" ]
  local/prepare_table.sh "$BATS_TEST_TMPDIR/audformat/db.utterances.csv" "$BATS_TEST_TMPDIR/back"
}

@test "it prints its usage and fails without its two arguments" {
  run local/prepare_table.sh "$MINE/mine.csv"
  [ "$status" -eq 1 ]
  [[ "$output" == *"Usage: local/prepare_table.sh"* ]]
}

@test "a data dir goes out to EmoBox's and audformat's tables and comes back the same" {
  local/prepare_table.sh --speaker who --emotion mood --folds speaker:3 "$MINE/mine.csv" "$data"
  utils/export_table.sh --audio-dir "$MINE" --name mine "$data" "$BATS_TEST_TMPDIR/aud"
  utils/export_table.sh --audio-dir "$MINE" --name mine --format emobox "$data" "$BATS_TEST_TMPDIR/emobox"
  for table in aud/db.utterances.csv emobox/mine.jsonl; do
    local/prepare_table.sh --audio-dir "$MINE" "$BATS_TEST_TMPDIR/$table" "$BATS_TEST_TMPDIR/back"
    diff <(cut -d ' ' -f 2- "$data/wav.scp" | sort) <(cut -d ' ' -f 2- "$BATS_TEST_TMPDIR/back/wav.scp" | sort)
    diff <(sort "$data/utt2fold" | cut -d - -f 2) <(sort "$BATS_TEST_TMPDIR/back/utt2fold" | cut -d - -f 2)
    diff <(sort "$data/utt2emo" | cut -d - -f 2) <(sort "$BATS_TEST_TMPDIR/back/utt2emo" | cut -d - -f 2)
  done
  run utils/export_table.sh --audio-dir "$BATS_TEST_TMPDIR" "$data" "$BATS_TEST_TMPDIR/x"
  [ "$status" -eq 1 ]
  [[ "$output" == *"is not below --audio-dir"* ]]
}

@test "the scripts of the corpora whose names tell all make data dirs, and print their usage without arguments" {
  corpus="$BATS_TEST_TMPDIR/EmoDB"
  mkdir -p "$corpus/wav"
  for speaker in 03 08 09 10 11; do
    for emotion in W T; do cp "$MINE/wav/a/sad_1.wav" "$corpus/wav/${speaker}a01${emotion}a.wav"; done
  done
  local/prepare_emodb.sh "$corpus" "$data"
  utils/validate_data_dir.sh --no-feats "$data"
  [ "$(wc -l < "$data/utt2fold")" -eq 10 ]
  for name in emodb tess emovo shemo cafe jl enterface esd meld msp_improv msp_podcast; do
    run local/prepare_$name.sh "$corpus"
    [ "$status" -eq 1 ]
    [[ "$output" == *"Usage: local/prepare_$name.sh"* ]]
  done
  run local/prepare_esd.sh --language english "$corpus" "$data"
  [ "$status" -eq 1 ]
  [[ "$output" == *"no clip of ESD in it"* ]]
}
