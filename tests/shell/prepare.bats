#!/usr/bin/env bats
# local/prepare_<corpus>.sh on the toy corpora, and how each of them fails; utils/apply_label_map.sh likewise.

setup_file() {
  cd "$BATS_TEST_DIRNAME/../.." || return
  export CORPORA="$BATS_FILE_TMPDIR/corpora"
  local/prepare_toy.sh "$CORPORA"
}

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || return
  data="$BATS_TEST_TMPDIR/data"
}

# prepares CORPUS-DIR FILE...: the script makes a data dir that is valid without features and has these files.
prepares() {
  local name=$1 corpus=$2
  shift 2
  local/prepare_"$name".sh "$CORPORA/$corpus" "$data"
  . ./path.sh
  local no_text="" no_wav="" file
  [ -e "$data/text" ] || no_text=--no-text
  [ -e "$data/wav.scp" ] || no_wav=--no-wav
  python3 -m ser.bin.validate_data_dir --no-feats $no_text $no_wav "$data"
  for file in "$@"; do
    [ -s "$data/$file" ]
  done
}

@test "prepare_voxceleb1.sh prepares the toy corpus" {
  prepares voxceleb1 VoxCeleb1 wav.scp spk2gender utt2part utt2dialogue
}

@test "prepare_voxceleb2.sh reads .m4a files through ffmpeg" {
  mkdir -p "$CORPORA/Vox Celeb2/dev/aac/id00012/video" "$CORPORA/Vox Celeb2/test/aac/id00017/video"
  touch "$CORPORA/Vox Celeb2/dev/aac/id00012/video/00001.m4a" "$CORPORA/Vox Celeb2/test/aac/id00017/video/00001.m4a"
  local/prepare_voxceleb2.sh --ffmpeg true "$CORPORA/Vox Celeb2" "$data"
  [ "$(head -n 1 "$data/wav.scp")" = "id00012-video-00001 true -v error -i\
 '$CORPORA/Vox Celeb2/dev/aac/id00012/video/00001.m4a' -f wav -acodec pcm_s16le -ac 1 -ar 16000 - |" ]
}

@test "prepare_cremad.sh prepares the toy corpus" {
  prepares cremad CREMA-D wav.scp text utt2emo utt2fold utt2votes spk2gender
}

@test "prepare_iemocap.sh prepares the toy corpus" {
  prepares iemocap IEMOCAP_full_release wav.scp text utt2emo utt2fold utt2votes utt2dialogue spk2gender
}

@test "prepare_dailydialog.sh prepares the toy corpus, text only" {
  prepares dailydialog dailydialog text utt2emo utt2dialogue utt2part
  [ ! -e "$data/wav.scp" ]
}

@test "prepare_ravdess.sh prepares the toy corpus in the folds asked for" {
  prepares ravdess ravdess wav.scp text utt2emo utt2fold spk2gender
  local/prepare_ravdess.sh --folds 2 "$CORPORA/ravdess" "$data"
  [ "$(cut -d ' ' -f 2 "$data/utt2fold" | sort -u | tr '\n' ' ')" = "1 2 " ]
}

@test "prepare_musan.sh and prepare_rirs_noises.sh prepare the toy corpora" {
  prepares musan musan wav.scp utt2type
  prepares rirs_noises RIRS_NOISES wav.scp utt2type
}

@test "every prepare script prints its usage and fails without its two arguments" {
  for name in voxceleb1 voxceleb2 cremad iemocap dailydialog ravdess musan rirs_noises; do
    run local/prepare_$name.sh "$CORPORA"
    [ "$status" -eq 1 ]
    [[ "$output" == *"Usage: local/prepare_$name.sh"* ]]
  done
}

@test "every prepare script refuses an unknown option" {
  for name in voxceleb1 voxceleb2 cremad iemocap dailydialog ravdess musan rirs_noises; do
    run local/prepare_$name.sh --colour red "$CORPORA" "$data"
    [ "$status" -eq 1 ]
    [[ "$output" == *"unknown option --colour"* ]]
  done
}

@test "every prepare script names a corpus folder that is not there, and writes nothing" {
  for name in voxceleb1 voxceleb2 cremad iemocap dailydialog ravdess musan rirs_noises; do
    run local/prepare_$name.sh "$BATS_TEST_TMPDIR/nowhere" "$data"
    [ "$status" -eq 1 ]
    [[ "$output" == *"$BATS_TEST_TMPDIR/nowhere: no such folder"* ]]
    [ ! -e "$data" ]
  done
}

@test "every prepare script refuses the folder of another corpus" {
  mkdir "$BATS_TEST_TMPDIR/other"
  for name in voxceleb1 voxceleb2 cremad iemocap dailydialog ravdess musan rirs_noises; do
    run local/prepare_$name.sh "$BATS_TEST_TMPDIR/other" "$data"
    [ "$status" -eq 1 ]
    [ ! -e "$data" ]
  done
}

@test "every prepare script prints its header for --help" {
  for name in voxceleb1 voxceleb2 cremad iemocap dailydialog ravdess musan rirs_noises; do
    run local/prepare_$name.sh --help
    [ "$status" -eq 0 ]
    [[ "$output" == *"Usage: local/prepare_$name.sh"* ]]
  done
}

@test "prepare_cremad.sh refuses a vote that the corpus has not" {
  run local/prepare_cremad.sh --vote telepathy "$CORPORA/CREMA-D" "$data"
  [ "$status" -ne 0 ]
  [[ "$output" == *"telepathy"*"voice"*"multimodal"* ]]
}

@test "prepare_voxceleb2.sh names ffmpeg when it is not there" {
  run local/prepare_voxceleb2.sh --ffmpeg no-such-program "$CORPORA" "$data"
  [ "$status" -eq 1 ]
  [[ "$output" == *"ffmpeg: 'no-such-program' is not a program here"* ]]
}

@test "apply_label_map.sh maps the labels and leaves the others out" {
  local/prepare_iemocap.sh "$CORPORA/IEMOCAP_full_release" "$data"
  utils/apply_label_map.sh conf/emotions/four.map "$data" "$data.four"
  [ "$(cut -d ' ' -f 2 "$data.four/utt2emo" | sort -u | tr '\n' ' ')" = "anger happiness neutral sadness " ]
  [ "$(wc -l <"$data.four/wav.scp")" -eq "$(wc -l <"$data.four/utt2emo")" ]
}

@test "apply_label_map.sh fails without its arguments, without a map, without labels" {
  run utils/apply_label_map.sh conf/emotions/four.map
  [ "$status" -eq 1 ]
  [[ "$output" == *"Usage: utils/apply_label_map.sh"* ]]
  run utils/apply_label_map.sh --map conf/emotions/four.map "$data" "$data.four"
  [ "$status" -eq 1 ]
  [[ "$output" == *"unknown option --map"* ]]
  run utils/apply_label_map.sh "$BATS_TEST_TMPDIR/absent.map" "$data" "$data.four"
  [ "$status" -eq 1 ]
  [[ "$output" == *"absent.map: missing"* ]]
  run utils/apply_label_map.sh conf/emotions/four.map "$data" "$data.four"
  [ "$status" -eq 1 ]
  [[ "$output" == *"$data/utt2emo"* ]]
  [ ! -e "$data.four" ]
}
