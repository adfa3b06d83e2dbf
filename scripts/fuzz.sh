#!/usr/bin/env bash
# Searches for inputs that make a parser of ours panic: every target of tests/fuzz, from what tests/fuzz/corpus keeps of each on.
#
#   usage: scripts/fuzz.sh [MINUTES [TARGET…]]      (default: 10 minutes each, all of them)
#
# Needs a nightly Rust (rustup toolchain install nightly); cargo-fuzz is installed if it is missing. As many run at once as there are
# cores. What a target ends over is in tests/fuzz/artifacts/TARGET: mend it, and keep the input in tests/fuzz/corpus/TARGET.
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=${1:-10}
shift || true

cargo +nightly --version >/dev/null 2>&1 || { echo "fuzz: there is no nightly Rust here; get one with: rustup toolchain install nightly" >&2; exit 69; }
# The built tests and what they find are beside the workspace's own.
export CARGO_TARGET_DIR=$PWD/target/fuzz
cargo fuzz --version >/dev/null 2>&1 || env -u CARGO_TARGET_DIR cargo install --locked cargo-fuzz@0.13.2
scripts/npm.sh style
cargo +nightly fuzz build --fuzz-dir tests/fuzz
triple=$(rustc +nightly -vV | sed -n 's/^host: //p')

targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(sed -n 's/^name = "\(.*\)"/\1/p' tests/fuzz/Cargo.toml | grep -v '^beadle-')

# SQLite has one global twice in its one file, which is none of ours to mend.
export ASAN_OPTIONS=detect_odr_violation=0
# One target, for its minutes.
one() {
    local target=$1 found=$CARGO_TARGET_DIR/found/$1 artifacts=tests/fuzz/artifacts/$1 log=$CARGO_TARGET_DIR/$1.log
    mkdir -p "$found" "$artifacts"
    if "$CARGO_TARGET_DIR/$triple/release/$target" -max_total_time=$((minutes * 60)) -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
        -artifact_prefix="$artifacts/" "$found" "tests/fuzz/corpus/$target" >"$log" 2>&1; then
        echo "fuzz: $target: nothing found in $(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$log") runs"
    else
        echo "fuzz: $target: FOUND something: $artifacts"
        tail -n 40 "$log"
        return 1
    fi
}
export -f one
export minutes triple
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I{} bash -c 'one "$1"' _ {}
