//! Adapter: allocator. The system's, kept to two arenas, counting what each thread holds in large pieces.
//!
//! A camera that begins a picture and never ends it fills a buffer inside retina that has no limit and cannot be looked at.
//! Its large pieces are counted here as the session is polled, so that a limit can be kept
//! (`UNFINISHED_BYTES` in `camera/session`). Costs one comparison per allocation.
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

/// Pieces of this size are counted; frames of a usual camera are smaller.
const LARGE: usize = 512 << 10;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
}

/// Large pieces this thread has taken and not given back, in bytes. Given back by another thread they count as held.
pub fn large_held() -> isize {
    HELD.with(Cell::get)
}

fn count(size: usize, sign: isize) {
    if size >= LARGE {
        let size = isize::try_from(size).unwrap_or(isize::MAX);
        // A thread that is ending has nothing to be held to.
        let _ = HELD.try_with(|held| held.set(held.get().wrapping_add(sign.wrapping_mul(size))));
    }
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

#[derive(Debug)]
pub struct Counting;

// SAFETY: every call is passed on to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: the caller keeps the same contract.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: the caller keeps the same contract.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(layout.size(), -1);
        // SAFETY: the caller keeps the same contract.
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(layout.size(), -1);
        count(size, 1);
        // SAFETY: the caller keeps the same contract.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pieces_are_counted_and_small_ones_are_not() {
        let before = large_held();
        let small = vec![1u8; LARGE / 2];
        assert_eq!(large_held(), before);
        let mut large = vec![1u8; LARGE * 4];
        assert_eq!(large_held() - before, (LARGE * 4) as isize);
        large.reserve_exact(LARGE * 4);
        assert_eq!(large_held() - before, (LARGE * 8) as isize);
        drop((small, large));
        assert_eq!(large_held(), before);
    }
}
