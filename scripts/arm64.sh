#!/usr/bin/env bash
# Builds the box's programs for 64-bit ARM with Debian's own cross packages (no container needed).
# Result: target/aarch64-unknown-linux-gnu/release/{beadle-edge,beadle-hub,beadle-pictures}
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf '\n== %s\n' "$*"; }

target=aarch64-unknown-linux-gnu
packages="rustc-web libstd-rust-web-dev:arm64 gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static
  libavcodec-dev:arm64 libavformat-dev:arm64 libavutil-dev:arm64 libswscale-dev:arm64 libswresample-dev:arm64 libavfilter-dev:arm64 libavdevice-dev:arm64"
missing=$(for p in $packages; do dpkg-query -W -f='${Status}\n' "$p" 2>/dev/null | grep -q 'ok installed' || echo "$p"; done)
if [ -n "$missing" ]; then
  if [ "$(id -u)" != 0 ]; then
    echo "These packages are missing; install them as root and run this again:" $missing >&2
    exit 1
  fi
  say "Installing for ARM:" $missing
  dpkg --add-architecture arm64
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
fi

scripts/npm.sh style
say "Building for $target"
# Debian's compiler carries the ARM standard library; the rest of the set-up tells C and bindgen where ARM headers are.
export RUSTC=/usr/bin/rustc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=qemu-aarch64-static
export CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc AR_aarch64_unknown_linux_gnu=aarch64-linux-gnu-ar
export PKG_CONFIG_ALLOW_CROSS=1 PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig
export BINDGEN_EXTRA_CLANG_ARGS_aarch64_unknown_linux_gnu="--target=aarch64-linux-gnu -I/usr/include/aarch64-linux-gnu"
cargo build --locked --release --target $target -p beadle-edge -p beadle-hub -p beadle-pictures

say "Does it start? (under qemu-user)"
for program in beadle-edge beadle-hub; do
  qemu-aarch64-static target/$target/release/$program --version
done
