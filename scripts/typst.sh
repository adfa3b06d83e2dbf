#!/usr/bin/env bash
# Puts Typst, which sets the templates of hub/documents in tests, into target/typst, and target/typst/beadle-documents, which stands in for
# the program. Safe to run at any time: what is there already and as wanted is left alone, and nothing is asked of anybody then.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=tests/papers/requirements.txt
here=$PWD/target/typst
if cmp -s "$wanted" "$here/requirements.txt" && "$here/bin/python" -c 'import typst' 2>/dev/null && grep -qsF "\"$PWD/" "$here/beadle-documents"; then
    echo "typst: it is there"
    exit 0
fi
echo "typst: putting it into target/typst"
rm -rf "$here"
# Debian's own Python, whatever else is on the path; its module is in the package python3-venv.
/usr/bin/python3 -m venv "$here" || { echo "typst: no virtual environment could be made; scripts/install.sh tests installs what that takes (python3-venv)" >&2; exit 69; }
if ! "$here/bin/python" -m pip install --quiet --disable-pip-version-check --retries 3 -r "$wanted"; then
    rm -rf "$here"
    echo "typst: it could not be had from the Python package index; is this machine on a network that reaches it? Only the suite papers needs it." >&2
    exit 69
fi
printf '#!/bin/sh\nexec "%s" "%s"\n' "$here/bin/python" "$PWD/tests/papers/print.py" >"$here/beadle-documents"
chmod 755 "$here/beadle-documents"
cp "$wanted" "$here/requirements.txt"
