#!/usr/bin/env bash
# Runs the suites of tests/Cargo.toml, and the crates' own tests, on the release build and says how long each took.
#
#   usage: scripts/suites.sh [NAME…]      (default: all)
#
# Four at a time, because suites mostly wait for cameras and clocks: one of those marked `# heavy`, which keep a core busy, beside three
# others; the crates' own tests (`pictures`, `lib`, `year`, `doc`) among them. Suites marked `# alone` measure what is lost at a fault and
# have both cores to themselves. What each printed is in target/suites/NAME.log; of a suite that fails it is shown.
set -euo pipefail
cd "$(dirname "$0")/.."
export logs=target/suites
mkdir -p "$logs"

# Names of the suites with a mark: heavy, alone, or none.
suites() {
    awk -v want="$1" '/^\[\[test\]\]/ { next_is = 1; next }
        next_is && /^name/ { next_is = 0; split($0, part, "\""); kind = /# heavy/ ? "heavy" : /# alone/ ? "alone" : "none"; if (kind == want) print part[2] }' \
        tests/Cargo.toml
}
# The crates' own tests: what each is to cargo.
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
    suites "$1"
    case $1 in
        heavy) printf 'pictures\nlib\n' ;;
        none) printf 'year\ndoc\n' ;;
    esac
}
one() {
    local began=$SECONDS state=passed used TIMEFORMAT='%U %S'
    # shellcheck disable=SC2046 # words
    used=$({ time ${CARGO:-cargo} test --quiet --locked --release --workspace --no-fail-fast $(own "$1") >"$logs/$1.log" 2>&1; } 2>&1) || state=FAILED
    [ "$state" = passed ] || cat "$logs/$1.log"
    echo "suite $1: $state ($((SECONDS - began)) s, of them $(awk '{ printf "%.0f", $1 + $2 }' <<<"$used") s of CPU)"
    [ "$state" = passed ]
}
export -f one own

chosen() {
    if [ ${#names[@]} -eq 0 ]; then list "$1"; else list "$1" | grep -Fx "$(printf '%s\n' "${names[@]}")" || true; fi
}
# So many at a time of those with a mark.
run() {
    chosen "$1" | xargs -r -P "$2" -I{} bash -c 'one "$1"' _ {}
}
names=("$@")
all=$(list heavy; list none; list alone)
for name in "${names[@]}"; do
    grep -Fxq "$name" <<<"$all" || { echo "suites: there is no suite $name in tests/Cargo.toml" >&2; exit 64; }
done
failed=0
run heavy 1 &
heavy=$!
run none 3 || failed=1
wait $heavy || failed=1
run alone 1 || failed=1
exit $failed
