#!/usr/bin/env bash
# Puts schemathesis, which tries the hub's API by its document, into target/schemathesis. Safe to run at any time: what is there already
# and as wanted is left alone, and nothing is asked of anybody then.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=tests/schemathesis/requirements.txt
here=target/schemathesis
if cmp -s "$wanted" "$here/requirements.txt" && "$here/bin/schemathesis" --version >/dev/null 2>&1; then
    echo "schemathesis: it is there"
    exit 0
fi
echo "schemathesis: putting it into $here"
rm -rf "$here"
# Debian's own Python, whatever else is on the path; its module is in the package python3-venv.
/usr/bin/python3 -m venv "$here" || { echo "schemathesis: no virtual environment could be made; scripts/install.sh tests installs what that takes (python3-venv)" >&2; exit 69; }
if ! "$here/bin/python" -m pip install --quiet --disable-pip-version-check --retries 3 -r "$wanted"; then
    rm -rf "$here"
    echo "schemathesis: it could not be had from the Python package index; is this machine on a network that reaches it? Only the suite schemathesis needs it." >&2
    exit 69
fi
cp "$wanted" "$here/requirements.txt"
