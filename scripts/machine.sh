#!/usr/bin/env bash
# Makes what test machines boot from, once: a bare Debian 12 as its installer leaves it, from the mirror that is configured here.
#
#   usage: scripts/machine.sh [FOLDER]          (default target/machine)
#
# FOLDER/bare is that Debian, with the packages that Beadle's own depend on fetched into apt's cache, so that `apt install ./x.deb` needs no
# network. FOLDER/ready is a layer over it with these installed, for tests that are not about installing. Needs root and mmdebstrap.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-target/machine}
suite=bookworm
# What any Debian that boots has, and a network.
bare=systemd-sysv,dbus,iproute2,iputils-ping,ca-certificates
# What the packages of scripts/deb.sh depend on (a test holds the one against the other: `apt install` in it has no network), and what the documents' steps use.
depends="libavcodec59 libavutil57 libswscale6 sudo tpm-udev python3 openssl"
mkdir -p "$out"
exec 9>"$out/.lock"; flock 9
say() { printf 'machine: %s\n' "$*"; }
die() { printf 'machine: %s\n' "$*" >&2; exit 1; }
began=$SECONDS
recipe="$suite $bare $depends $(sha256sum <"$0")"
if [ "$(cat "$out/recipe" 2>/dev/null)" = "$recipe" ]; then say "what test machines boot from is there"; exit 0; fi
[ "$(id -u)" = 0 ] || die "to make what test machines boot from, be root"
command -v mmdebstrap >/dev/null || die "mmdebstrap is missing; run scripts/install.sh first"
rm -rf "$out/recipe" "$out/bare" "$out/ready" "$out/work" "$out/root"
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 2>/dev/null | awk -v s=$suite '$2 == s { print $1; exit }')
say "a bare Debian ($suite) from ${mirror:-the default mirror}"
# What is recommended too, which mmdebstrap's own configuration of apt leaves out and the machine's does not.
fetch="env -u APT_CONFIG chroot \"\$1\" apt-get install -qq -y -o APT::Install-Recommends=true --download-only $depends"
mmdebstrap --quiet --variant=minbase --include="$bare" --skip=cleanup/apt --format=directory \
    --aptopt='APT::Keep-Downloaded-Packages "true"' --dpkgopt=force-unsafe-io \
    --customize-hook="$fetch" "$suite" "$out/bare" ${mirror:+"deb $mirror $suite main"} >"$out/log" 2>&1 \
    || { tail -n 20 "$out/log" >&2; die "could not make a bare Debian; is a Debian mirror reachable?"; }
# A machine of its own: no name and no number of another's.
: >"$out/bare/etc/machine-id"; rm -f "$out/bare/etc/hostname"
say "a layer with the dependencies installed"
mkdir -p "$out/ready" "$out/work" "$out/root"
unshare -m sh -euc "
    mount -t overlay overlay -o lowerdir='$out/bare',upperdir='$out/ready',workdir='$out/work' '$out/root'
    mount -t proc proc '$out/root/proc'
    chroot '$out/root' env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $depends
" >>"$out/log" 2>&1 </dev/null || { tail -n 20 "$out/log" >&2; die "could not install the dependencies"; }
rm -rf "$out/work" "$out/root"
printf %s "$recipe" >"$out/recipe"
say "ready in $out after $((SECONDS - began)) s ($(du -sm "$out" | cut -f1) MB)"
