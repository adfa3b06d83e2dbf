//! Pure. Footage: fragmented MP4 and its age sealing. Bytes in, bytes out.
#![forbid(unsafe_code)]
pub mod fuzz;
pub mod mp4;
pub mod sealed;
