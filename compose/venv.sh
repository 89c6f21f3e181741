#!/bin/sh
# Make .venv with exactly the packages that the lock names, or find that it has them.
#
# PYTHON names the interpreter; else the newest supported one that is found.  What is interrupted or fails leaves nothing
# behind that the next call could take for good.
set -eu

lock=requirements-dev.txt
ready=.venv/in-step

supported() {
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

cannot() {
  printf 'cannot: %s\nmend:   %s\n' "$1" "$2" >&2
  exit 1
}

if supported .venv/bin/python && .venv/bin/python -m compose.lockstep "$lock" >/dev/null 2>&1; then
  touch "$ready"
  exit 0
fi

python=
if [ -n "${PYTHON:-}" ]; then
  set -- "$PYTHON"
else
  set -- python3.13 python3.12 python3.11 python3 python
fi
for candidate in "$@"; do
  if supported "$candidate"; then
    python=$candidate
    break
  fi
done
if [ -z "$python" ]; then
  candidate=${PYTHON:-python3}
  found=$("$candidate" --version 2>&1) || found="no Python"
  cannot "this needs Python 3.11, 3.12 or 3.13, and $candidate is $found" \
    "install one (for example: apt install python3 python3-venv), or name one: PYTHON=/path/to/python3.13 make up"
fi

printf 'making .venv with %s (once, and again when the lock changes; it takes a minute)\n' "$("$python" --version)" >&2
trap 'rm -rf .venv' EXIT
trap 'exit 130' INT TERM HUP
rm -rf .venv
"$python" -m venv .venv ||
  cannot "$python could not make a virtual environment" "install its venv module, for example: apt install python3-venv"
.venv/bin/python -m pip --disable-pip-version-check install --require-hashes --requirement "$lock" >.venv/pip.log 2>&1 || {
  tail -20 .venv/pip.log >&2
  cannot "the packages could not be installed" "see above; is there a way to the package index? Then try again"
}
touch "$ready"
trap - EXIT
