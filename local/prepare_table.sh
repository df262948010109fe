#!/usr/bin/env bash
# Makes a Kaldi data dir of any corpus that is a table: a CSV whose first line names the columns (nkululeko's and
# audformat's: file, start, end, speaker, gender, emotion), EmoBox's JSON lines with the folds beside them, a data set
# that Hugging Face datasets saved to disk, or, with --pattern, a folder whose file names tell all.
#
# What is missing, empty, without a label or twice there is named in <data-dir>/left_out; above 5 % nothing is made, and
# the names are said. The same recording under two emotions or two speakers is refused by name. Without a column of
# speakers every utterance is a speaker of its own, and the protocol card warns. Columns start and end make segments.
#
# Usage: local/prepare_table.sh [options] <csv, jsonl, or folder> <data-dir>
#  e.g.: local/prepare_table.sh corpora/mine/mine.csv data/mine
#        local/prepare_table.sh --speaker actor --emotion mood --folds speaker:10 corpora/mine/mine.csv data/mine
#        local/prepare_table.sh --pattern '{speaker}/{emotion}_{n}.wav' corpora/mine data/mine
# Options:
#   --pattern P           what the paths below the folder tell: {name} is a column, {n:d} takes digits, {x:2} two characters
#   --audio-dir D         folder that the table's paths begin in (that of the table)
#   --file, --speaker, --emotion, --text, --gender, --start, --end, --session, --dialogue C
#                         the column of it, where it has none of the usual names
#   --folds speaker:5     speakers shared out, balanced in emotions and sex (the default, where the table has none)
#           session       by the column session
#           column:C      by the column C
#           own           the table's own, EmoBox's or a column fold (the default, where there are such); none: no folds

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
