//! Wiring. Task tree and shutdown order.
