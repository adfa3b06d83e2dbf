//! Wiring. Retention: one place decides ([`policy`]), one place deletes ([`sweeper`]).
