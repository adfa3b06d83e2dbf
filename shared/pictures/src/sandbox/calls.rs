//! Pure. Every system call the picture worker may make, and why. To be reviewed as data.
//!
//! One row a call, for all that the program does within its walls, and for x86-64 and 64-bit ARM alike (their numbers differ, not the list). A row whose reason begins
//! "only on" is for what a test cannot bring about; every other row is seen in the test `calls`, and a call seen there that
//! is not on the list fails it.
//!
//! [`DEVICE`] is what comes on top for a worker that encodes on a graphics device.
//!
//! Not on the list, and worth saying: `openat` (libav, x264 and x265 look for no file once [`crate::av::init`] is done),
//! `socket` and all that goes with it, `execve`, `fork`, `ptrace`, `process_vm_readv`, `kill`, `ioctl`, `prctl`, `close`.
use nix::libc as c;

use walls::{
    call::{
        Answer::{Always, Error, When},
        Check::{self, Bits, Is, IsSelf},
    },
    calls,
};

const STDIN: u64 = 0;
const STDOUT: u64 = 1;
const STDERR: u64 = 2;

/// Exactly what the C library asks for a thread: no new process, no name space, no other kind of sharing.
const THREAD: u64 = (c::CLONE_VM
    | c::CLONE_FS
    | c::CLONE_FILES
    | c::CLONE_SIGHAND
    | c::CLONE_THREAD
    | c::CLONE_SYSVSEM
    | c::CLONE_SETTLS
    | c::CLONE_PARENT_SETTID
    | c::CLONE_CHILD_CLEARTID) as u64;

const NEVER_CODE: Check = Bits(2, c::PROT_EXEC as u64, 0);
/// Anonymous and private: memory of its own, no file's.
const OWN_MEMORY: Check = Bits(
    3,
    (c::MAP_ANONYMOUS | c::MAP_PRIVATE | c::MAP_SHARED) as u64,
    (c::MAP_ANONYMOUS | c::MAP_PRIVATE) as u64,
);

/// The order to `futex` without what says which clock and whose memory.
const FUTEX: u64 = 0xffff_ffff & !((c::FUTEX_PRIVATE_FLAG | c::FUTEX_CLOCK_REALTIME) as u64);
const WAIT: Check = Bits(1, FUTEX, c::FUTEX_WAIT as u64);
const WAIT_BITSET: Check = Bits(1, FUTEX, c::FUTEX_WAIT_BITSET as u64);
const WAKE: Check = Bits(1, FUTEX, c::FUTEX_WAKE as u64);

/// The C library's own signal (SIGSETXID), which it readies with the first thread.
const SIG_OF_LIBC: u64 = 33;

/// Memory of an open file, which is the device: no other is open, and none can be opened.
const DEVICE_MEMORY: Check = Bits(
    3,
    (c::MAP_ANONYMOUS | c::MAP_PRIVATE | c::MAP_SHARED) as u64,
    c::MAP_SHARED as u64,
);
/// Orders of the graphics devices' kind (DRM), by the byte that says the kind.
const GRAPHICS: Check = Bits(1, 0xff00, (b'd' as u64) << 8);

calls! { CALLS:
    // The pipe
    SYS_read            When(&[&[Is(0, STDIN)]]), "pictures come in on standard input, and nothing from anywhere else";
    SYS_write           When(&[&[Is(0, STDOUT)], &[Is(0, STDERR)]]), "pictures go out on standard output; why it fails, also on standard error";
    SYS_writev          When(&[&[Is(0, STDERR)]]), "only on damaged memory: the C library's last words before it aborts";
    // Memory: its own, and never code
    SYS_brk             Always, "small memory";
    SYS_mmap            When(&[&[NEVER_CODE, OWN_MEMORY]]), "pictures' memory, and threads' stacks";
    SYS_munmap          Always, "pictures' memory given back";
    SYS_mremap          Always, "only on a buffer over 128 KiB that grows in place, which none does for the pictures of the tests; cannot make memory code";
    SYS_mprotect        When(&[&[NEVER_CODE]]), "threads' stacks get a guard page; nothing becomes code";
    SYS_madvise         When(&[&[Is(2, c::MADV_DONTNEED as u64)], &[Is(2, c::MADV_HUGEPAGE as u64)]]), "an ended thread's stack given back; x264 asks for large pages";
    // Threads: x264 encodes slices in two, x265 has a frame thread and a pool
    SYS_clone3          Error(c::ENOSYS), "its arguments lie in memory where they cannot be checked; told there is no such call, the C library uses clone";
    SYS_clone           When(&[&[Is(0, THREAD)]]), "encoders' threads; never a process";
    SYS_set_robust_list Always, "a new thread's first act";
    SYS_rseq            Always, "a new thread's second act";
    SYS_futex           When(&[&[WAIT], &[WAIT_BITSET], &[WAKE]]), "threads wait for each other; the orders with a history of faults (priority, requeue) are left out";
    SYS_exit            Always, "a thread ends";
    SYS_exit_group      Always, "the worker ends";
    SYS_sched_yield     Always, "only on a lock that is held just then: x265 lets others run";
    SYS_sched_getaffinity Always, "only on a library that counts processors: none does once it is set up";
    SYS_get_mempolicy   Error(c::ENOSYS), "x265 asks whether memory has several nodes; told there is no such call, it takes it for one and places no threads";
    SYS_getpriority     When(&[&[Is(0, 0), Is(1, 0)]]), "x265's pool puts itself behind others: where it stands";
    SYS_setpriority     Error(c::EPERM), "x265's pool would put itself behind others, and starve on a busy box; told that it may not, it stays where it is";
    // Signals: to itself alone
    SYS_rt_sigprocmask  Always, "signals wait while a thread starts";
    SYS_rt_sigaction    When(&[&[Is(0, SIG_OF_LIBC)], &[Is(0, c::SIGABRT as u64)], &[Is(0, c::SIGSEGV as u64)], &[Is(0, c::SIGBUS as u64)]]), "the C library readies its own signal with the first thread; the others, back to their default when it aborts";
    SYS_rt_sigreturn    Always, "only on a fault in memory: back from the handler that says so";
    SYS_sigaltstack     Always, "at the end, the stack for that handler is taken down";
    SYS_gettid          Always, "only on an abort or a panic: which thread it is";
    SYS_getpid          Always, "only on an abort: whom to signal";
    SYS_tgkill          When(&[&[IsSelf(0), Is(2, c::SIGABRT as u64)]]), "only on an abort: the signal that ends it, to itself";
    // Time
    SYS_clock_nanosleep Always, "only on a thread that is not yet where another needs it: x265 sleeps a moment";
    SYS_clock_gettime   Always, "measuring what masking costs: the processor time used so far";
    SYS_gettimeofday    Always, "only on machines whose clock cannot be read without the kernel";
    SYS_restart_syscall Always, "only on a worker that was stopped and goes on: the kernel's own way to resume a wait";
}

// No machine of ours has such a device: which calls drivers make beyond the first two is read from Mesa's sources, and not known. One
// that makes another ends the worker in the measurement that comes before any camera's picture, and the box encodes by itself.
calls! { DEVICE:
    SYS_ioctl           When(&[&[GRAPHICS]]), "orders to the graphics device, and to no other kind of device";
    SYS_mmap            When(&[&[NEVER_CODE, DEVICE_MEMORY]]), "the graphics device's memory, to put painted pictures there and take encoded ones";
    SYS_close           Always, "what the driver waits with, given back";
    SYS_prctl           When(&[&[Is(0, c::PR_SET_NAME as u64)]]), "the driver names its threads";
}
