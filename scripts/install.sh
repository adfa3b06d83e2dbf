#!/usr/bin/env bash
# Installs the Debian packages that building and testing Beadle needs, and has scripts/npm.sh fetch the style sheet's sources. Says what is
# missing; asks nothing.
#
#   usage: scripts/install.sh [--check] [build] [cameras] [tests]      (default: all three)
#
# --check only says what is missing (status 1 if anything is). Safe to run at any time: with nothing missing it does
# nothing, not even `apt-get update`. Rust itself comes from rustup or Debian's rustc-web; see README.md.
set -euo pipefail

# What `cargo build` needs: C compiler and headers; libav for the picture worker (bindings are made from its headers); what fetches the style
# sheet's sources. Then what packages are made with.
build="curl ca-certificates gcc libc6-dev make dpkg-dev binutils pkg-config clang libclang-dev libavcodec-dev libavformat-dev libavutil-dev libavfilter-dev
  libavdevice-dev libswscale-dev libswresample-dev libpostproc-dev nasm"
# What the test cameras and their footage need.
cameras="ffmpeg python3 python3-gi gir1.2-gst-rtsp-server-1.0 gir1.2-gst-plugins-base-1.0 gstreamer1.0-plugins-base
  gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav gstreamer1.0-tools"
# What the tests use besides: other readers of our formats, clocks that jump, a TPM, machines with an init of their own, networks that lose, units, system calls, a browser, programs in Python, a reader of PDF.
tests="age unzip openssl poppler-utils faketime swtpm tpm2-tools mmdebstrap iproute2 nftables util-linux systemd strace chromium python3-venv"

check=no
groups=()
for word in "$@"; do
    case $word in
        --check) check=yes ;;
        build|cameras|tests) groups+=("$word") ;;
        *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
    esac
done
[ ${#groups[@]} -gt 0 ] || groups=(build cameras tests)

command -v cargo >/dev/null || echo "install: cargo is missing; get Rust 1.95 or newer from https://rustup.rs" >&2
command -v apt-get >/dev/null || { echo "install: this is not Debian (no apt-get); the packages wanted are: $build $cameras $tests" >&2; exit 69; }

native=$(dpkg --print-architecture)
missing=()
for group in "${groups[@]}"; do
    for package in ${!group}; do
        # One of another architecture beside it (`make arm64`) is another line.
        dpkg-query -W -f='${Architecture} ${Status}\n' "$package" 2>/dev/null | grep -qxE "($native|all) install ok installed" || missing+=("$package")
    done
done
# What no package has.
fetched() {
    if [[ " ${groups[*]} " == *" build "* ]]; then scripts/npm.sh style; fi
}
if [ ${#missing[@]} -eq 0 ]; then
    echo "install: nothing is missing (${groups[*]})"
    [ "$check" = yes ] || fetched
    exit 0
fi
echo "install: missing: ${missing[*]}"
[ "$check" = no ] || exit 1
if [ "$(id -u)" != 0 ]; then
    echo "install: to install them: sudo apt-get update && sudo apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 77
fi
export DEBIAN_FRONTEND=noninteractive
apt="apt-get -q -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3"
echo "install: asking the mirror what it has"
$apt update
echo "install: installing ${#missing[@]} packages"
$apt install -y --no-install-recommends "${missing[@]}"
fetched
echo "install: done"
