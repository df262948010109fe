#!/usr/bin/env bash
# Makes a Kaldi data dir of any corpus that is a table: a CSV file whose first line names the columns (nkululeko's and
# audformat's: file, start, end, speaker, gender, emotion), EmoBox's JSON lines with the folds beside them, or a data set
# that Hugging Face datasets saved to disk. With --pattern it reads a folder whose file names tell speaker and emotion.
#
# Rows whose file is missing, empty, without a label or a duplicate are left out and listed in <data-dir>/left_out, with
# what utils/export_table.sh listed beside the table. If they are more than 5 %, the script fails and names them. It also
# fails if one recording has two emotions or two speakers. Without a column of speakers every utterance is its own
# speaker, and the protocol card has a warning. Columns start and end make segments.
#
# Usage: local/prepare_table.sh [options] <csv, jsonl, or folder> <data-dir>
#  e.g.: local/prepare_table.sh corpora/mine/mine.csv data/mine
#        local/prepare_table.sh --speaker actor --emotion mood --folds speaker:10 corpora/mine/mine.csv data/mine
#        local/prepare_table.sh --pattern '{speaker}/{emotion}_{n}.wav' corpora/mine data/mine
# Options:
#   --pattern P           form of the paths below the folder: {name} is a column, {n:d} takes digits, {x:2} two characters
#   --audio-dir D         folder that the table's paths are relative to (that of the table)
#   --file, --speaker, --emotion, --text, --gender, --start, --end, --session, --dialogue C
#                         name of the column for it, if it is not one of the usual names
#   --folds speaker:5     divide the speakers into 5 folds with similar shares of emotions and sexes (the default if the
#                         table has no folds)
#           session       a fold for each value of the column session
#           column:C      a fold for each value of the column C
#           own           the table's own folds: EmoBox's, or a column fold (the default if it has them)
#           none          no folds

set -euo pipefail

pattern=
audio_dir=
file=
speaker=
emotion=
text=
gender=
start=
end=
session=
dialogue=
folds=

. utils/parse_options.sh
. ./path.sh
[ $# -eq 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.prepare_table \
  ${pattern:+"--pattern=$pattern"} ${audio_dir:+"--audio-dir=$audio_dir"} ${file:+"--file=$file"} \
  ${speaker:+"--speaker=$speaker"} ${emotion:+"--emotion=$emotion"} ${text:+"--text=$text"} \
  ${gender:+"--gender=$gender"} ${start:+"--start=$start"} ${end:+"--end=$end"} ${session:+"--session=$session"} \
  ${dialogue:+"--dialogue=$dialogue"} ${folds:+"--folds=$folds"} "$1" "$2"
log "$0: made $2 of $(wc -l <"$2/utt2spk") utterances"
