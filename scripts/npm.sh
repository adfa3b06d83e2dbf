#!/usr/bin/env bash
# Puts what comes from the npm registry into target/npm, each a fixed version whose SHA-512 is known. Safe to run at any time: what is there
# already and as wanted is left alone, and nothing is asked of anybody then.
#
#   usage: scripts/npm.sh [style] [axe]      (default: both)
#
# style  the sources of the style sheet that hub/build.rs compiles; without them the hub is not built
# axe    what looks at pages for barriers, in tests alone
set -euo pipefail
cd "$(dirname "$0")/.."
registry=${npm_config_registry:-https://registry.npmjs.org}

fetch() { # FOLDER PACKAGE VERSION SHA-512
    local here=target/npm/$1 package=$2 version=$3 sum=$4
    if [ "$(cat "$here/sum" 2>/dev/null)" = "$sum" ]; then
        echo "npm: $package $version is there"
        return
    fi
    echo "npm: putting $package $version into $here"
    mkdir -p target/npm
    local work
    work=$(mktemp -d target/npm/new.XXXXXX)
    curl --silent --show-error --fail --location --retry 3 --max-time 300 -o "$work/package.tgz" "${registry%/}/$package/-/$package-$version.tgz" || {
        rm -rf "$work"
        echo "npm: $package $version could not be had from $registry; is this machine on a network that reaches it? npm_config_registry names another registry." >&2
        exit 69
    }
    if [ "$(sha512sum "$work/package.tgz" | cut -d' ' -f1)" != "$sum" ]; then
        rm -rf "$work"
        echo "npm: what $registry gave for $package $version is not what is expected (SHA-512); nothing of it was kept" >&2
        exit 65
    fi
    tar -xzf "$work/package.tgz" -C "$work" --strip-components=1 --no-same-owner
    rm "$work/package.tgz"
    echo "$sum" >"$work/sum"
    chmod 755 "$work"
    rm -rf "$here"
    mv "$work" "$here"
}

[ $# -gt 0 ] || set -- style axe
for word in "$@"; do
    case $word in
        style) fetch style govuk-frontend 6.6.0 c5cb645ab42f2e7bd0b7b7f28d0dcc197f52d30cf4c74450b8bc427a85c5facf048c62021bcd7f0d840628de6a80efb42954f5d9401a47052c198e9fba545c46 ;;
        axe) fetch axe axe-core 4.14.1 1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b734f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5 ;;
        *) sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
    esac
done
