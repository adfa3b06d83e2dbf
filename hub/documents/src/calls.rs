//! Pure. Every system call the document worker may make once its walls are up, and why. To be reviewed as data.
//!
//! One row a call, for x86-64 and 64-bit ARM alike. A row whose reason begins "only on" is for what a test cannot bring about.
//! Not on the list, and worth saying: `openat`, `socket` and all that goes with it, `clone`, `execve`, `ptrace`, `kill`, `ioctl`.
use nix::libc as c;

use walls::{
    call::{
        Answer::{Always, When},
        Check::{self, Bits, Is, IsSelf},
    },
    calls,
};

const STDIN: u64 = 0;
const STDOUT: u64 = 1;
const STDERR: u64 = 2;

const NEVER_CODE: Check = Bits(2, c::PROT_EXEC as u64, 0);
/// Anonymous and private: memory of its own, no file's.
const OWN_MEMORY: Check = Bits(
    3,
    (c::MAP_ANONYMOUS | c::MAP_PRIVATE | c::MAP_SHARED) as u64,
    (c::MAP_ANONYMOUS | c::MAP_PRIVATE) as u64,
);

calls! { CALLS:
    SYS_read            When(&[&[Is(0, STDIN)]]), "the document's values, and nothing from anywhere else";
    SYS_write           When(&[&[Is(0, STDOUT)], &[Is(0, STDERR)]]), "the PDF; why there is none, on standard error";
    SYS_writev          When(&[&[Is(0, STDERR)]]), "only on damaged memory: the C library's last words before it aborts";
    SYS_brk             Always, "small memory";
    SYS_mmap            When(&[&[NEVER_CODE, OWN_MEMORY]]), "large memory";
    SYS_munmap          Always, "memory given back";
    SYS_mremap          Always, "a large buffer grows; cannot make memory code";
    SYS_mprotect        When(&[&[NEVER_CODE]]), "only on memory that is set aside before it is used; nothing becomes code";
    SYS_madvise         When(&[&[Is(2, c::MADV_DONTNEED as u64)]]), "only on memory that is kept and not used";
    SYS_getrandom       Always, "only on a table whose order is a matter of chance: hashing";
    SYS_futex           Always, "only on a lock that somebody waits for: there is one thread";
    SYS_exit            Always, "the end of a thread";
    SYS_exit_group      Always, "the end";
    SYS_sigaltstack     Always, "at the end, the stack for faults in memory is taken down";
    SYS_rt_sigprocmask  Always, "only on an abort";
    SYS_rt_sigaction    When(&[&[Is(0, c::SIGABRT as u64)], &[Is(0, c::SIGSEGV as u64)], &[Is(0, c::SIGBUS as u64)]]), "only on an abort: back to the default";
    SYS_rt_sigreturn    Always, "only on a fault in memory";
    SYS_gettid          Always, "only on an abort or a panic: which thread it is";
    SYS_getpid          Always, "only on an abort: whom to signal";
    SYS_tgkill          When(&[&[IsSelf(0), Is(2, c::SIGABRT as u64)]]), "only on an abort: the signal that ends it, to itself";
    SYS_clock_gettime   Always, "only on machines whose clock cannot be read without the kernel";
    SYS_restart_syscall Always, "only on a worker that was stopped and goes on";
}
