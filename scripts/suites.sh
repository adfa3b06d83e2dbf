#!/usr/bin/env bash
# Runs the suites of tests/Cargo.toml, and the crates' own tests, on the release build and says how long each took.
#
#   usage: scripts/suites.sh [NAME…]      (default: all)
#
# Four at a time, because suites mostly wait for cameras and clocks; the crates' own tests (`lib`, `pictures`, `year`, `doc`) among them. Suites marked `# alone` measure what is lost at a fault
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
# The crates' own tests: name, and what it is to cargo.
own() {
    case $1 in
        lib) echo --lib --bins ;;
        pictures) echo --test mask --test proof --test sandbox --test calls ;;
        year) echo --test year ;;
        doc) echo --doc ;;
        *) echo --test "$1" ;;
    esac
}
list() {
    # The longest of them begins first; pictures keep both cores busy and begin when the first suites wait.
    if [ "$1" = together ]; then suites together | sed '1a pictures\nlib\nyear\ndoc'; else suites "$1"; fi
}
one() {
    local began=$SECONDS
    # shellcheck disable=SC2046 # words
    if ${CARGO:-cargo} test --quiet --locked --release --workspace --no-fail-fast $(own "$1") >"$logs/$1.log" 2>&1; then
        echo "suite $1: passed ($((SECONDS - began)) s)"
    else
        cat "$logs/$1.log"
        echo "suite $1: FAILED ($((SECONDS - began)) s)"
        return 1
    fi
}
export -f one own

chosen() {
    if [ ${#names[@]} -eq 0 ]; then list "$1"; else list "$1" | grep -Fx "$(printf '%s\n' "${names[@]}")" || true; fi
}
names=("$@")
all=$(list together; list alone)
for name in "${names[@]}"; do
    grep -Fxq "$name" <<<"$all" || { echo "suites: there is no suite $name in tests/Cargo.toml" >&2; exit 64; }
done
failed=0
chosen together | xargs -r -P 4 -I{} bash -c 'one "$1"' _ {} || failed=1
for name in $(chosen alone); do one "$name" || failed=1; done
exit $failed
