#!/usr/bin/env bash
# Stops if a test set shares a speaker, session, dialogue, utterance or recording with the training data of a model that
# is tested on it. Sentences that are spoken in both are reported.
#
# Usage: local/audit_protocol.sh [options] <test-data-dir> <role>=<training-data-dir>...
#  e.g.: local/audit_protocol.sh --corpora "data/toy/cremad data/toy/iemocap" --out exp/toy/audit/1.tsv \
#          data/toy/test_1 pretrain=data/toy/pretrain_none finetune=data/toy/finetune_1 backend=data/toy/backend_1
# Options:
#   --corpora "<data-dir> ..."    data dirs of the corpora before they were combined: they have tables (sessions ...)
#                                 that a combined data dir may lack
#   --out <tsv>                   file for the table of all checks (it is printed)
#   --report-only true|false      report what is shared, but go on: for a paper's split by utterances (false)
set -euo pipefail

corpora=
out=
report_only=false

. utils/parse_options.sh
. ./path.sh
[ $# -ge 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.audit_protocol --report-only "$report_only" \
  ${corpora:+--corpora "$corpora"} ${out:+--out "$out"} "$@"
