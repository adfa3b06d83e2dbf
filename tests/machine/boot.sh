#!/usr/bin/env bash
# Boots one test machine: Debian's own systemd as process 1 of namespaces of its own, on a root file system that is laid over the one
# that scripts/machine.sh made. Run by beadle_tests::machine, as root, in a mount namespace of its own (`unshare -m`).
#
#   usage: boot.sh NAME FOLDER LOWER
#
# FOLDER keeps what the machine writes (upper/), over as many boots as are wanted. LOWER is what it lies on, as overlayfs has it: folders,
# topmost first, with colons between. The machine is ended when standard input ends, however whoever holds its other end came to his own.
set -euo pipefail
name=$1 folder=$2 lower=$3
root=$folder/root cgroup=$folder/cgroup
# What a kernel or a container may refuse, and the sentence for it.
try() {
    local what=$1 said; shift
    said=$("$@" 2>&1) || { echo "test machine $name cannot be booted here: $what is refused ($*: $said). It needs root with all capabilities, and Linux with namespaces, cgroup2 and overlayfs." >&2; exit 70; }
}
[ "$(id -u)" = 0 ] || { echo "test machine $name cannot be booted here: this is not root" >&2; exit 70; }
mkdir -p "$folder"/{upper,work,root,cgroup}
try "keeping mounts to oneself" mount --make-rprivate /
try "cgroup version 2" mount -t cgroup2 cgroup2 "$cgroup"
mine=$cgroup/beadle-test-$name-$$
try "a control group" mkdir "$mine"
echo $$ >"$mine/cgroup.procs"
try "overlayfs" mount -t overlay overlay -o "lowerdir=$lower,upperdir=$folder/upper,workdir=$folder/work" "$root"
# What the machine sees of the world is made inside, by process 1 before it is systemd.
inside='
set -eu
root=$1 name=$2
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
mount -t tmpfs tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"; ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
hostname "$name"
cd "$root"; mkdir -p mnt/old; pivot_root . mnt/old
exec chroot . /bin/sh -c "umount -l /mnt/old; rmdir /mnt/old; mount --make-rshared /; exec env -i container=beadle-test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=console --log-level=notice --show-status=1"
'
unshare --mount --pid --fork --uts --ipc --net --cgroup --kill-child --propagation private sh -c "$inside" sh "$root" "$name" </dev/null &
machine=$!
# Whoever holds the other end of standard input wants the machine no more, or is gone.
exec 3<&0
{ read -r _ <&3 || true; kill -9 $(cat "/proc/$machine/task/$machine/children") 2>/dev/null; } &
watch=$! # without a child of its own
exec 3<&- </dev/null
echo "machine $machine"
state=0
wait "$machine" || state=$?
kill "$watch" 2>/dev/null || true
# Control groups are gone when their processes are; those that end with the machine take a moment.
echo $$ >"$cgroup/cgroup.procs"
for _ in $(seq 50); do
    find "$mine" -depth -type d -exec rmdir {} + 2>/dev/null && break
    sleep 0.1
done
exit $state
