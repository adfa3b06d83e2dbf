//! Pure. Packets to segment boundaries.
