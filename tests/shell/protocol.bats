#!/usr/bin/env bats
# The audit stops on a planted leak, the text condition keeps every utterance, and run.sh refuses what cannot be scored.

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || exit 1
  tmp=$BATS_TEST_TMPDIR
  name=bats_protocol_$$
}

teardown() {
  rm -rf "data/$name" "exp/$name"
}

# data_dir NAME UTT...: a data dir of text, whose speakers are what comes before the '-'.
data_dir() {
  local folder=$tmp/$1 utt
  shift
  mkdir -p "$folder"
  for utt in "$@"; do
    echo "$utt ${utt%-*}" >> "$folder/utt2spk"
    echo "${utt%-*} $utt" >> "$folder/spk2utt"
    echo "$utt the words of $utt" >> "$folder/text"
  done
}

@test "audit_protocol.sh passes a clean pair and writes its table" {
  data_dir test a-1
  data_dir train b-1
  run local/audit_protocol.sh --out "$tmp/audit.tsv" "$tmp/test" "finetune=$tmp/train"
  [ "$status" -eq 0 ]
  [[ "$output" == *"held out of finetune"* ]]
  [ "$(head -n 1 "$tmp/audit.tsv" | cut -f 1-5)" = "$(printf 'test\trole\ttrain\tcheck\tstatus')" ]
}

@test "audit_protocol.sh exits with 1 and names a leaked speaker, the data dirs and the remedy" {
  data_dir test a-1
  data_dir train a-2
  run local/audit_protocol.sh "$tmp/test" "finetune=$tmp/train"
  [ "$status" -eq 1 ]
  [[ "$output" == *"1 speakers of $tmp/test are in $tmp/train, which trains the finetune model: a (a-1, a-2)"* ]]
  [[ "$output" == *"utils/select_fold.sh --part train"* ]]
}

@test "audit_protocol.sh names a data dir that is not there" {
  data_dir test a-1
  run local/audit_protocol.sh "$tmp/test" "finetune=$tmp/nowhere"
  [ "$status" -eq 1 ]
  [[ "$output" == *"$tmp/nowhere: no utt2spk"* ]]
}

@test "set_text.sh takes a recogniser's words and counts the utterances that it has none for" {
  data_dir data a-1 b-1
  echo "a-1 what it heard" > "$tmp/asr"
  run utils/set_text.sh "$tmp/asr" "$tmp/data" "$tmp/out"
  [ "$status" -eq 0 ]
  [[ "$output" == *"1 have none and are scored by speech alone"* ]]
  [ "$(cat "$tmp/out/text")" = "$(printf 'a-1 what it heard\nb-1')" ]
}

@test "set_text.sh refuses transcripts of other utterances" {
  data_dir data a-1
  echo "x-1 words" > "$tmp/asr"
  run utils/set_text.sh "$tmp/asr" "$tmp/data" "$tmp/out"
  [ "$status" -eq 1 ]
  [[ "$output" == *"such as 'x-1', is scored"* ]]
  [ ! -e "$tmp/out" ]
}

@test "run.sh refuses a text condition that is neither known nor a file, before it does anything" {
  run ./run.sh --name "$name" --text-condition shufled
  [ "$status" -eq 1 ]
  [[ "$output" == *"expected gold, none, shuffled or a file of transcripts, found 'shufled'"* ]]
  [ ! -e "exp/$name" ]
}

@test "run.sh refuses to score text alone without text" {
  run ./run.sh --name "$name" --text-condition none --modalities text
  [ "$status" -eq 1 ]
  [[ "$output" == *"leaves nothing to score with --modalities text"* ]]
  [ ! -e "exp/$name" ]
}

@test "run.sh refuses transcripts whose name would pass for another condition" {
  mkdir "$tmp/asr"
  echo "a-1 words" > "$tmp/asr/gold"
  run ./run.sh --name "$name" --text-condition "$tmp/asr/gold"
  [ "$status" -eq 1 ]
  [[ "$output" == *"the results would call it 'gold'; rename the file"* ]]
}
