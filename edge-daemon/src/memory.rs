//! Adapter: allocator. The system's, kept to two arenas, counting what each thread holds, large pieces and small ones apart; and forgetting what is
//! freed, in the process that holds keys.
//!
//! A camera that begins a picture and never ends it fills a buffer inside retina that has no limit and cannot be looked at; one whose
//! answer has line after line in its head makes it keep them all, in small pieces. Both are counted here as the session is polled, so
//! that limits can be kept (`UNFINISHED_BYTES`, `HEAD_BYTES`, `ANSWER_BYTES` in `capture/session`). Costs one addition per allocation.
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    sync::atomic::{AtomicBool, Ordering},
};

/// Pieces of this size are large; frames of a usual camera are smaller.
const LARGE: usize = 512 << 10;

thread_local! {
    static HELD: Cell<Held> = const { Cell::new(Held { large: 0, small: 0 }) };
}

/// Pieces that a thread has taken and not given back, in bytes. Given back by another thread they count as held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    pub large: isize,
    /// With what the C library's allocator adds to each.
    pub small: isize,
}

impl Held {
    /// What this thread holds.
    pub fn now() -> Self {
        HELD.with(Cell::get)
    }

    /// What one piece of `size` bytes counts as.
    pub fn piece(size: usize) -> Self {
        let bytes = |size| isize::try_from(size).unwrap_or(isize::MAX);
        match size {
            0 => Self::default(),
            LARGE.. => Self {
                large: bytes(size),
                small: 0,
            },
            _ => Self {
                large: 0,
                small: bytes(size.max(SMALLEST) + BESIDE),
            },
        }
    }
}

impl std::ops::Add for Held {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            large: self.large.wrapping_add(other.large),
            small: self.small.wrapping_add(other.small),
        }
    }
}

impl std::ops::Sub for Held {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self {
            large: self.large.wrapping_sub(other.large),
            small: self.small.wrapping_sub(other.small),
        }
    }
}

/// A piece takes at least so much of the C library's allocator, and so much beside it.
const SMALLEST: usize = 24;
const BESIDE: usize = 8;

fn taken(size: usize) {
    // A thread that is ending has nothing to be held to.
    let _ = HELD.try_with(|held| held.set(held.get() + Held::piece(size)));
}

fn given(size: usize) {
    let _ = HELD.try_with(|held| held.set(held.get() - Held::piece(size)));
}

/// Arenas of the C library's allocator. It would make one for nearly every thread, up to eight per core, and pictures are taken in
/// one thread and given back in another: each arena then keeps what was its most. At 32 cameras two save 14 to 20 MiB and cost
/// nothing that can be measured.
#[cfg(target_env = "gnu")]
const ARENAS: nix::libc::c_int = 2;

/// Call it first, while there is one thread.
pub fn few_arenas() {
    // SAFETY: sets a number inside the allocator, and no other thread exists yet to read it meanwhile.
    #[cfg(target_env = "gnu")]
    unsafe {
        nix::libc::mallopt(nix::libc::M_ARENA_MAX, ARENAS);
    }
}

/// Gives what is free back to the system. A slow disk makes the box hold pictures for a while; else it would keep that memory for
/// ever after, for the next time.
pub fn give_back() {
    // SAFETY: looks only at memory the allocator itself holds as free, under its own locks.
    #[cfg(target_env = "gnu")]
    unsafe {
        nix::libc::malloc_trim(0);
    }
}

/// Whether memory is overwritten when it is freed.
static WIPES: AtomicBool = AtomicBool::new(false);

/// From now on all memory is overwritten when it is freed, and when it moves to grow: for the reader, so that a destroyed key leaves
/// nothing behind, whichever library held it last. It costs a pass over what is freed, where a cipher made several.
pub fn wipe_freed() {
    WIPES.store(true, Ordering::Relaxed);
}

/// Bytes of stack that are overwritten; what the reader does takes a fraction of it.
const STACK: usize = 256 << 10;

/// Does something with keys, and leaves nothing of it on the stack. What it returns must not hold keys itself, only point to them.
pub fn leaving_no_trace<T>(act: impl FnOnce() -> T) -> T {
    // In frames of its own, whatever the compiler would draw together: they lie where the next line writes.
    #[inline(never)]
    fn apart<T>(act: impl FnOnce() -> T) -> T {
        act()
    }
    let done = apart(act);
    clear_vectors();
    scrub_stack();
    done
}

/// Ciphers leave keys in the vector registers, which whatever saves registers (the dynamic linker at a function's first call, a
/// signal) would put on the stack later on.
#[cfg(target_arch = "x86_64")]
fn clear_vectors() {
    use std::arch::{asm, is_x86_feature_detected as has};
    // SAFETY: zeroes registers that a called function may change anyway, and says so; each set only on processors that have it.
    unsafe {
        if has!("avx") {
            asm!(
                "vzeroall",
                clobber_abi("sysv64"),
                options(nomem, nostack, preserves_flags)
            );
        } else {
            asm!(
                "xorps xmm0, xmm0",
                "xorps xmm1, xmm1",
                "xorps xmm2, xmm2",
                "xorps xmm3, xmm3",
                "xorps xmm4, xmm4",
                "xorps xmm5, xmm5",
                "xorps xmm6, xmm6",
                "xorps xmm7, xmm7",
                "xorps xmm8, xmm8",
                "xorps xmm9, xmm9",
                "xorps xmm10, xmm10",
                "xorps xmm11, xmm11",
                "xorps xmm12, xmm12",
                "xorps xmm13, xmm13",
                "xorps xmm14, xmm14",
                "xorps xmm15, xmm15",
                clobber_abi("sysv64"),
                options(nomem, nostack, preserves_flags)
            );
        }
        if has!("avx512f") {
            asm!(
                "vpxorq zmm16, zmm16, zmm16",
                "vpxorq zmm17, zmm17, zmm17",
                "vpxorq zmm18, zmm18, zmm18",
                "vpxorq zmm19, zmm19, zmm19",
                "vpxorq zmm20, zmm20, zmm20",
                "vpxorq zmm21, zmm21, zmm21",
                "vpxorq zmm22, zmm22, zmm22",
                "vpxorq zmm23, zmm23, zmm23",
                "vpxorq zmm24, zmm24, zmm24",
                "vpxorq zmm25, zmm25, zmm25",
                "vpxorq zmm26, zmm26, zmm26",
                "vpxorq zmm27, zmm27, zmm27",
                "vpxorq zmm28, zmm28, zmm28",
                "vpxorq zmm29, zmm29, zmm29",
                "vpxorq zmm30, zmm30, zmm30",
                "vpxorq zmm31, zmm31, zmm31",
                clobber_abi("sysv64"),
                options(nomem, nostack, preserves_flags)
            );
        }
    }
}
#[cfg(target_arch = "aarch64")]
fn clear_vectors() {
    // SAFETY: zeroes the vector registers and says of each that it is changed.
    unsafe {
        std::arch::asm!(
            "movi v0.16b, #0",
            "movi v1.16b, #0",
            "movi v2.16b, #0",
            "movi v3.16b, #0",
            "movi v4.16b, #0",
            "movi v5.16b, #0",
            "movi v6.16b, #0",
            "movi v7.16b, #0",
            "movi v8.16b, #0",
            "movi v9.16b, #0",
            "movi v10.16b, #0",
            "movi v11.16b, #0",
            "movi v12.16b, #0",
            "movi v13.16b, #0",
            "movi v14.16b, #0",
            "movi v15.16b, #0",
            "movi v16.16b, #0",
            "movi v17.16b, #0",
            "movi v18.16b, #0",
            "movi v19.16b, #0",
            "movi v20.16b, #0",
            "movi v21.16b, #0",
            "movi v22.16b, #0",
            "movi v23.16b, #0",
            "movi v24.16b, #0",
            "movi v25.16b, #0",
            "movi v26.16b, #0",
            "movi v27.16b, #0",
            "movi v28.16b, #0",
            "movi v29.16b, #0",
            "movi v30.16b, #0",
            "movi v31.16b, #0",
            out("v0") _,
            out("v1") _,
            out("v2") _,
            out("v3") _,
            out("v4") _,
            out("v5") _,
            out("v6") _,
            out("v7") _,
            out("v8") _,
            out("v9") _,
            out("v10") _,
            out("v11") _,
            out("v12") _,
            out("v13") _,
            out("v14") _,
            out("v15") _,
            out("v16") _,
            out("v17") _,
            out("v18") _,
            out("v19") _,
            out("v20") _,
            out("v21") _,
            out("v22") _,
            out("v23") _,
            out("v24") _,
            out("v25") _,
            out("v26") _,
            out("v27") _,
            out("v28") _,
            out("v29") _,
            out("v30") _,
            out("v31") _,
            options(nomem, nostack, preserves_flags)
        );
    }
}
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn clear_vectors() {}

/// Overwrites the stack below the caller.
#[inline(never)]
fn scrub_stack() {
    let mut space = std::mem::MaybeUninit::<[u8; STACK]>::uninit();
    wipe(space.as_mut_ptr().cast(), STACK);
}

/// Zeros, which no compiler takes for needless.
fn wipe(at: *mut u8, size: usize) {
    // SAFETY: both callers own `size` writable bytes from `at` on, and nobody reads them as anything any more.
    unsafe { nix::libc::explicit_bzero(at.cast(), size) }
}

#[derive(Debug)]
pub struct Counting;

// SAFETY: every call is passed on to the system's allocator unchanged, or as the steps it stands for; counting and wiping allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        taken(layout.size());
        // SAFETY: the caller keeps the same contract.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        taken(layout.size());
        // SAFETY: the caller keeps the same contract.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        given(layout.size());
        if WIPES.load(Ordering::Relaxed) {
            wipe(at, layout.size());
        }
        // SAFETY: the caller keeps the same contract.
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        given(layout.size());
        taken(size);
        if !WIPES.load(Ordering::Relaxed) {
            // SAFETY: the caller keeps the same contract.
            return unsafe { System.realloc(at, layout, size) };
        }
        // SAFETY: the contract of realloc, carried out in the open: a new piece of the same alignment (`size` is valid for it by
        // that contract), what both can hold copied, the old one wiped and given back.
        unsafe {
            let new = System.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                std::ptr::copy_nonoverlapping(at, new, layout.size().min(size));
                wipe(at, layout.size());
                System.dealloc(at, layout);
            }
            new
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pieces_and_small_ones_are_counted_apart() {
        let before = Held::now();
        let small = vec![1u8; 1000];
        let so_far = Held::now() - before;
        assert_eq!((so_far.large, so_far.small), (0, 1008));
        let mut large = vec![1u8; LARGE * 4];
        large.reserve_exact(LARGE * 4);
        let tiny: Vec<Box<u8>> = (0..100).map(Box::new).collect();
        let so_far = Held::now() - before;
        assert_eq!(so_far.large, (LARGE * 8) as isize);
        assert_eq!(so_far.small, 1008 + 100 * 32 + 808);
        drop((small, large, tiny));
        assert_eq!(Held::now(), before);
    }
}
