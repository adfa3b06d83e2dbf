#!/usr/bin/env bash
# Runs the suites of tests/Cargo.toml on the release build and says how long each took.
#
#   usage: scripts/suites.sh [NAME…]      (default: all)
#
# Three at a time, because they mostly wait for cameras and clocks. Suites marked `# alone` measure what is lost at a fault
# and have both cores to themselves. What each printed is in target/suites/NAME.log; of a suite that fails it is shown.
set -euo pipefail
cd "$(dirname "$0")/.."
export logs=target/suites
mkdir -p "$logs"

suites() {
    awk -v want="$1" '/^\[\[test\]\]/ { next_is = 1; next }
        next_is && /^name/ { next_is = 0; split($0, part, "\""); kind = /# alone/ ? "alone" : "together"; if (kind == want) print part[2] }' \
        tests/Cargo.toml
}
one() {
    local began=$SECONDS
    if ${CARGO:-cargo} test --quiet --locked --release --workspace --test "$1" >"$logs/$1.log" 2>&1; then
        echo "suite $1: passed ($((SECONDS - began)) s)"
    else
        cat "$logs/$1.log"
        echo "suite $1: FAILED ($((SECONDS - began)) s)"
        return 1
    fi
}
export -f one

chosen() {
    if [ ${#names[@]} -eq 0 ]; then suites "$1"; else suites "$1" | grep -Fx "$(printf '%s\n' "${names[@]}")" || true; fi
}
names=("$@")
all=$(suites together; suites alone)
for name in "${names[@]}"; do
    grep -Fxq "$name" <<<"$all" || { echo "suites: there is no suite $name in tests/Cargo.toml" >&2; exit 64; }
done
failed=0
chosen together | xargs -r -P 3 -I{} bash -c 'one "$1"' _ {} || failed=1
for name in $(chosen alone); do one "$name" || failed=1; done
exit $failed
