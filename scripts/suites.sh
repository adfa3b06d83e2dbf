#!/usr/bin/env bash
# Builds and runs the suites of tests/suites/main.rs and the crates' own tests, in the release profile, and says how long each took.
#
#   usage: scripts/suites.sh [NAME…]      (default: all)
#
# Several at a time, because suites mostly wait for cameras and clocks: one of the heavy ones, which keep a core busy, beside some
# light ones. Those that are alone measure what is lost at a fault and have both cores to themselves. Each suite has a process of
# its own. What each printed is in target/suites/NAME.log; of a suite that fails it is shown. With BEADLE_BIN_DIR set, the programs
# in that folder are tried, and of ours only the tests are built.
set -euo pipefail
cd "$(dirname "$0")/.."
export logs=target/suites programs=target/suites/programs
mkdir -p "$logs"

# Longest first. `lib`, `pictures` and `year` are the crates' own tests, `tidy` holds the rules of the house. A suite that is not named here is light and comes last.
heavy=(marker masks)
light=(quirks papers priority clocks lifting walls door month installed disks deletion rates erase baddays answers evidence tamper refusals retention lib holds roles line sound browser pages year cameras units pictures schemathesis tidy)
alone=(kill hangs powercut)
at_a_time=5 # light ones
while read -r name; do
    [[ " rig ${heavy[*]} ${light[*]} ${alone[*]} " == *" $name "* ]] || light+=("$name")
done < <(sed -n 's/^mod \(.*\);.*/\1/p' tests/suites/main.rs)
for name in "$@"; do
    [[ " ${heavy[*]} ${light[*]} ${alone[*]} " == *" $name "* ]] || { echo "suites: there is no suite $name; there are: ${heavy[*]} ${light[*]} ${alone[*]}" >&2; exit 64; }
done

# 1. The programs. One build for all, so that every crate is compiled with the same features once.
# What cargo is asked to build for a suite.
targets() {
    case $1 in
        lib | schemathesis | papers) ;; # see below
        pictures) echo --test mask --test proof --test sandbox --test calls ;;
        year | tidy) echo --test "$1" ;;
        *) echo --test suites ;;
    esac
}
build() {
    ${CARGO:-cargo} "$@" --locked --release --workspace --message-format=json-render-diagnostics \
        | sed -nE 's/^\{"reason":"compiler-artifact".*"manifest_path":"([^"]*)\/Cargo.toml","target":\{"kind":\["([a-z-]+)"\][^}]*"name":"([^"]+)".*"test":true\},.*"executable":"([^"]+)".*/\2 \3 \1 \4/p'
}
bins=--bins
[ -z "${BEADLE_BIN_DIR:-}" ] || bins=
# shellcheck disable=SC2086 # words
if [ $# -eq 0 ]; then
    build build $bins --tests >"$programs"
else
    : >"$programs"
    # shellcheck disable=SC2046 # words
    wanted=$(for name in "$@"; do targets "$name"; done)
    [ -z "$wanted" ] || build build $bins $wanted >>"$programs"
    case " $* " in *" lib "* | *" schemathesis "* | *" papers "*) build test --no-run --lib >>"$programs" ;; esac
fi

suites=$(awk '$1 == "test" && $2 == "suites" { print $4 }' "$programs")
[ -z "$suites" ] || "$suites" --list --format terse | sed -n 's/: test$//p' >"$logs/tests"

# 2. Running them.
# The programs of a suite: lines of its folder, its path and its words.
commands() {
    case $1 in
        lib) awk '$1 == "lib" { print $3, $4 }' "$programs" ;;
        schemathesis) awk '$1 == "lib" && $3 ~ /\/hub$/ { print $3, $4, "--ignored --exact web::tests::schemathesis::the_api_is_as_its_document_says" }' "$programs" ;;
        papers) awk '$1 == "lib" && $3 ~ /\/hub$/ { print $3, $4, "--ignored evidence::tests::printed::" }' "$programs" ;;
        pictures) awk '$1 == "test" && $3 ~ /\/shared\/pictures$/ { print $3, $4 }' "$programs" ;;
        year | tidy) awk -v name="$1" '$1 == "test" && $2 == name { print $3, $4 }' "$programs" ;;
        *) awk -v name="$1" '
            FILENAME == ARGV[1] { if (index($0, name "::") == 1) words = words " " $0; next }
            $1 == "test" && $2 == "suites" && words { print $3, $4, "--exact" words }' "$logs/tests" "$programs" ;;
    esac
}
all_of() {
    local folder program words state=1
    while read -r folder program words; do
        [ $state -ne 1 ] || state=0
        # shellcheck disable=SC2086 # words
        (cd "$folder" && "$program" $words) || state=2
    done < <(commands "$1")
    [ $state -ne 1 ] || echo "suites: no test of the suite $1 was found"
    return $state
}
one() {
    local began=$SECONDS state=passed used TIMEFORMAT='%U %S'
    echo "suite $1: begins"
    used=$({ time all_of "$1" >"$logs/$1.log" 2>&1 </dev/null; } 2>&1) || state=FAILED
    [ "$state" = passed ] || cat "$logs/$1.log"
    echo "suite $1: $state ($((SECONDS - began)) s, of them $(awk '{ printf "%.0f", $1 + $2 }' <<<"$used") s of CPU)"
    [ "$state" = passed ]
}
export -f one all_of commands

# run COUNT NAME… : so many at a time, of those that are wanted.
asked=" $* "
run() {
    local count=$1 name names=(); shift
    for name in "$@"; do
        if [ "$asked" = "  " ] || [[ $asked == *" $name "* ]]; then names+=("$name"); rm -f "$logs/$name.log"; fi
    done
    [ ${#names[@]} -eq 0 ] || printf '%s\n' "${names[@]}" | xargs -P "$count" -I{} bash -c 'one "$1"' _ {}
}
failed=0
began=$SECONDS
run 1 "${heavy[@]}" &
first=$!
run $at_a_time "${light[@]}" || failed=1
wait $first || failed=1
run 1 "${alone[@]}" || failed=1

# 3. All in all, in cargo's words.
ran=()
for name in "${heavy[@]}" "${light[@]}" "${alone[@]}"; do
    if [ "$asked" = "  " ] || [[ $asked == *" $name "* ]]; then ran+=("$logs/$name.log"); fi
done
awk -v failed=$failed -v secs=$((SECONDS - began)) '
    /^test result: / { passed += $4; bad += $6; ignored += $8 }
    END { printf "test result: %s. %d passed; %d failed; %d ignored; finished in %d s\n", failed ? "FAILED" : "ok", passed, bad, ignored, secs }' "${ran[@]}"
exit $failed
