#!/usr/bin/env bash
# Merges sorted tables (scp files, or any file whose lines begin with a key) into one sorted table. It is an error if a
# key is in two of them.
#
# Usage: utils/merge_scp.sh <table-out> <table-in>...
#  e.g.: utils/merge_scp.sh exp/tdnn6.scp exp/tdnn6.1.scp exp/tdnn6.2.scp
set -euo pipefail

. utils/parse_options.sh
. ./path.sh
[ $# -ge 2 ] || { usage >&2; exit 1; }
out=$1
shift

for table in "$@"; do
  [ -f "$table" ] || die "no $table"
done
sort -k1,1 -- "$@" > "$out.tmp"
twice=$(cut -d' ' -f1 "$out.tmp" | uniq -d | head -n 1)
[ -z "$twice" ] || { rm -f "$out.tmp"; die "'$twice' is in more than one of $*"; }
mv "$out.tmp" "$out"
