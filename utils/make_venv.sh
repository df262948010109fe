#!/usr/bin/env bash
# Makes the virtual environment .venv with everything that pyproject.toml asks for, in the versions of
# constraints.txt. Does nothing when it is complete already. To use an environment of your own, make .venv a link
# to it and run this once.
#
# Usage: utils/make_venv.sh [--extras test]
set -euo pipefail

extras=       # optional dependencies of pyproject.toml to install as well, such as test

. utils/parse_options.sh
[ $# -eq 0 ] || { usage >&2; exit 1; }

# The stamp holds the checksum of the requirements that were installed. If these change, or an install was cut off, the
# packages are installed again.
stamp=".venv/.installed${extras:+-$extras}"
is_complete() {
  wanted=$(sed '/^\[tool\./,$d' pyproject.toml | cat - constraints.txt | cksum)     # settings of tools install nothing
  [ -x .venv/bin/python3 ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]
}
if is_complete; then exit 0; fi

# Every job on every node runs this: one of them installs, the others wait and then find the work done. The lock ends
# with the process that holds it. On a file server without locks, every job installs.
exec 9> .venv.lock
flock 9 || echo "$0: .venv.lock: this file system has no locks; let no other job install now" >&2
if is_complete; then exit 0; fi

supported='import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))'
if [ ! -x .venv/bin/python3 ]; then
  for python in python3 python3.13 python3.12 python3.11 python3.10 none; do
    if "$python" -c "$supported" 2>/dev/null; then break; fi
  done
  if [ "$python" = none ]; then
    echo "$0: found no Python 3.10 to 3.13 with the venv module; install one" \
      "(Debian: apt-get install python3 python3-venv)" >&2
    exit 1
  fi
  echo "$0: making .venv with $("$python" --version)" >&2
  "$python" -m venv .venv
fi
echo "$0: installing the packages (some minutes the first time)" >&2
.venv/bin/python3 -m pip install --quiet --disable-pip-version-check -c constraints.txt \
  -e ".${extras:+[$extras]}" >&2 || {
  echo "$0: pip failed; see its message above, mend the cause and run this again" >&2
  exit 1
}
echo "$wanted" > "$stamp"
