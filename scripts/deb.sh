#!/usr/bin/env bash
# Makes the Debian packages from the programs that are built: beadle-edge, beadle-hub, and for each a -dbgsym with its symbols.
#
#   usage: scripts/deb.sh [--arch amd64|arm64] [--programs FOLDER] [--version V] [--out FOLDER]
#
# Default: this machine's architecture, target/release (target/aarch64-unknown-linux-gnu/release for arm64), the workspace's version,
# target/deb. The same programs give the same packages, byte for byte. Needs dpkg-dev and binutils (of the other architecture too).
set -euo pipefail
cd "$(dirname "$0")/.."
arch=$(dpkg --print-architecture) programs='' out=target/deb
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
while [ $# -gt 0 ]; do
    case $1 in
        --arch) arch=$2 ;; --programs) programs=$2 ;; --version) version=$2 ;; --out) out=$2 ;;
        *) sed -n '4,7s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
    esac
    shift 2
done
die() { printf 'deb: %s\n' "$*" >&2; exit 1; }
case $arch in
    amd64) triple=x86_64-linux-gnu; : "${programs:=target/release}" ;;
    arm64) triple=aarch64-linux-gnu; : "${programs:=target/aarch64-unknown-linux-gnu/release}" ;;
    *) die "there are packages for amd64 and arm64, none for $arch" ;;
esac
tool() { if [ "$arch" = "$(dpkg --print-architecture)" ]; then echo "$1"; else echo "$triple-$1"; fi; }
strip=$(tool strip) objcopy=$(tool objcopy) readelf=$(tool readelf)
run=; [ "$arch" != arm64 ] || [ "$(uname -m)" = aarch64 ] || run=qemu-aarch64-static
for need in dpkg-deb dpkg-shlibdeps "$strip" "$objcopy" "$readelf" gzip $run; do
    command -v "$need" >/dev/null || die "$need is missing; run scripts/install.sh (for arm64 scripts/arm64.sh) first"
done
for program in beadle-edge beadle-pictures beadle-hub; do
    [ -x "$programs/$program" ] || die "$programs/$program is not there; build it first: make release"
done
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 1767225600)}
day=$(date -uRd "@$SOURCE_DATE_EPOCH")
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
mkdir -p "$out" "$work/debian"; printf 'Source: beadle\n\nPackage: x\nArchitecture: any\n' >"$work/debian/control"
maintainer='Beadle <beadle@packages.invalid>'

# program PACKAGE NAME: the program without its symbols, and these for the -dbgsym package, found by the program's build number.
program() { # PACKAGE PROGRAM [FOLDER]
    local root=$work/$1 debug=$work/$1-dbgsym id below=${3:-usr/bin}
    id=$("$readelf" -n "$programs/$2" | sed -n 's/.*Build ID: //p')
    [ -n "$id" ] || die "$programs/$2 has no build number"
    local symbols=$debug/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug
    install -Dm755 "$programs/$2" "$root/$below/$2"
    mkdir -p "$(dirname "$symbols")"
    "$objcopy" --only-keep-debug --compress-debug-sections "$programs/$2" "$symbols"
    chmod 644 "$symbols"
    "$strip" --strip-unneeded --remove-section=.comment "$root/$below/$2"
}
# What the programs of a package need of the libraries they are linked with.
libraries() { (cd "$work" && dpkg-shlibdeps -O --ignore-missing-info ${run:+-l/usr/lib/$triple} "$@" 2>"$work/said") | sed 's/^shlibs:Depends=//' | grep . || die "libraries of $*: $(cat "$work/said")"; }
documents() { # PACKAGE
    local doc=$work/$1/usr/share/doc/$1
    mkdir -p "$doc"
    printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: Beadle\n\nFiles: *\nCopyright: 2026 the Beadle authors\nLicense: GPL-3.0-or-later\n On Debian its text is in /usr/share/common-licenses/GPL-3.\n' >"$doc/copyright"
    printf '%s (%s) stable; urgency=medium\n\n  * Version %s.\n\n -- %s  %s\n' "$1" "$version" "$version" "$maintainer" "$day" | gzip -9n >"$doc/changelog.gz"
}
# package PACKAGE DEPENDS DESCRIPTION: the control files, and the .debs.
package() {
    local name=$1 root=$work/$1 more=$3 about=$4 kind
    documents "$name"
    mkdir -p "$root/usr/share/man/man1"
    $run ${run:+-L /} "$programs/$name" man "$root/usr/share/man/man1"
    find "$root/usr/share/man" -name '*.1' -exec gzip -9n {} +
    mkdir -p "$work/$name-dbgsym/usr/share/doc"; ln -s "$name" "$work/$name-dbgsym/usr/share/doc/$name-dbgsym"
    mkdir -p "$root/DEBIAN" "$work/$name-dbgsym/DEBIAN"
    install -m755 packages/"${name#beadle-}"/{postinst,prerm,postrm} "$root/DEBIAN/"
    (cd "$root" && find etc -type f 2>/dev/null | sed 's|^|/|' >DEBIAN/conffiles || true); [ -s "$root/DEBIAN/conffiles" ] || rm "$root/DEBIAN/conffiles"
    control "$root" "$name" "Depends: $2" ${more:+"$more"} "Section: video" "Description: $about"
    control "$work/$name-dbgsym" "$name-dbgsym" "Depends: $name (= $version)" "Section: debug" "Auto-Built-Package: debug-symbols" "Description: symbols of $name
 Names of functions for backtraces. Beadle is built without line numbers."
    for kind in "$name" "$name-dbgsym"; do
        find "$work/$kind" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
        dpkg-deb --root-owner-group -Z"${BEADLE_DEB_COMPRESSION:-xz}" --build "$work/$kind" "$out/${kind}_${version}_$arch.deb" >/dev/null
        echo "deb: $out/${kind}_${version}_$arch.deb ($(($(stat -c %s "$out/${kind}_${version}_$arch.deb") / 1024)) KiB)"
    done
}
control() { # ROOT NAME LINE…
    local root=$1 name=$2; shift 2
    (cd "$root" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | sort -z | xargs -0r md5sum >DEBIAN/md5sums)
    { printf 'Package: %s\nSource: beadle\nVersion: %s\nArchitecture: %s\nMaintainer: %s\nPriority: optional\nInstalled-Size: %s\n' "$name" "$version" "$arch" "$maintainer" "$(du -sk --apparent-size "$root" | cut -f1)"
      printf '%s\n' "$@"; } >"$root/DEBIAN/control"
}

edge=$work/beadle-edge
program beadle-edge beadle-edge
program beadle-edge beadle-pictures
install -Dm644 -t "$edge/lib/systemd/system" systemd/beadle-edge.service systemd/beadle-reader.service
install -Dm644 -t "$edge/usr/lib/sysusers.d" systemd/sysusers.d/beadle-edge.conf
install -Dm644 -t "$edge/usr/lib/tmpfiles.d" systemd/tmpfiles.d/beadle-edge.conf
install -Dm440 packages/edge/sudoers "$edge/etc/sudoers.d/beadle-edge"
install -Dm644 -t "$edge/usr/share/doc/beadle-edge/examples" packages/edge/edge.toml systemd/beadle-edge.service.d/vaapi.conf
install -Dm644 -t "$edge/usr/share/doc/beadle-edge" docs/install.md docs/cameras.md docs/masks.md docs/retention.md
install -Dm644 -t "$edge/usr/share/man/man1" packages/edge/beadle-pictures.1
package beadle-edge "$(libraries "$edge"/usr/bin/*), systemd (>= 252), sudo" "Recommends: tpm-udev" "records a town's CCTV and keeps the scheme's promises about it
 The recorder of public-space cameras: paints in or proves privacy masks, seals
 footage under a key of its day, destroys that key when the day is over, and
 keeps an audit log that a hub countersigns."
hub=$work/beadle-hub
program beadle-hub beadle-hub
install -Dm644 -t "$hub/usr/share/doc/beadle-hub" hub/style/LICENCE.govuk-frontend # its pages carry their style sheet
# Built by `make documents`; without it papers are plain text.
if "$readelf" -h "$programs/beadle-documents" >/dev/null 2>&1; then
    install -Dm755 "$programs/beadle-documents" "$hub/usr/bin/beadle-documents"
    "$strip" --strip-unneeded --remove-section=.comment "$hub/usr/bin/beadle-documents"
    install -Dm644 -t "$hub/usr/share/doc/beadle-hub" hub/documents/FONTS.txt
    install -Dm644 -t "$hub/usr/share/man/man1" packages/hub/beadle-documents.1
else
    echo "deb: no beadle-documents in $programs: papers will be plain text only (make documents builds it)"
fi
program beadle-hub beadle-pictures usr/lib/beadle-hub # the box's package has one of its own; both may be on one machine
install -Dm644 -t "$hub/lib/systemd/system" systemd/beadle-hub.service
install -Dm644 -t "$hub/usr/lib/sysusers.d" systemd/sysusers.d/beadle-hub.conf
install -Dm644 -t "$hub/usr/lib/tmpfiles.d" systemd/tmpfiles.d/beadle-hub.conf
install -Dm644 -t "$hub/usr/share/doc/beadle-hub/examples" packages/hub/hub.toml
install -Dm644 -t "$hub/usr/share/doc/beadle-hub" docs/hub.md docs/requests.md docs/evidence.md docs/verdicts.md docs/retention.md docs/verify/SPEC.txt docs/verify/verify.py docs/verify/verify.html docs/verify/acts.py
package beadle-hub "$(libraries "$hub"/usr/bin/* "$hub"/usr/lib/beadle-hub/*), systemd (>= 252)" "Recommends: python3, openssl" "countersigns the logs of CCTV recorders, fetches clips, makes evidence
 The scheme's side of Beadle: boxes dial in to it, it countersigns their audit
 logs, and staff ask it for clips, holds and masks."
