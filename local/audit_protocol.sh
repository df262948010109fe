#!/usr/bin/env bash
# Stops where a test set shares a speaker, session, dialogue, utterance or recording with what trained a model that is
# scored on it; sentences that both speak are reported.
#
# Usage: local/audit_protocol.sh [options] <test-data-dir> <role>=<training-data-dir>...
#  e.g.: local/audit_protocol.sh --corpora "data/toy/cremad data/toy/iemocap" --out exp/toy/audit/1.tsv \
#          data/toy/test_1 pretrain=data/toy/pretrain_none finetune=data/toy/finetune_1 backend=data/toy/backend_1
# Options:
#   --corpora "<data-dir> ..."    of the corpora that were combined, with what the combination could not keep
#   --out <tsv>                   the table of all checks (on the screen)
#   --report-only true|false      say what is shared and go on, for a split that a paper made by utterances (false)
set -euo pipefail

corpora=
out=
report_only=false

. utils/parse_options.sh
. ./path.sh
[ $# -ge 2 ] || { usage >&2; exit 1; }

python3 -m ser.bin.audit_protocol --report-only "$report_only" \
  ${corpora:+--corpora "$corpora"} ${out:+--out "$out"} "$@"
