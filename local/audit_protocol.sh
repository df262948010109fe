#!/usr/bin/env bash
# Stops where a test set shares a speaker, session, dialogue or recording with what trained a model that is scored on
# it. --help tells the options.
set -euo pipefail
. ./path.sh
exec python3 -m ser.bin.audit_protocol "$@"
