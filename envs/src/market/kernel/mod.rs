//! The event kernel.
