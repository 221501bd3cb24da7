//! Buffers of tensors on the processor: used again where nobody else holds them, kept by the process when they are given back.

use std::{hint::black_box, sync::Once};

use burn_flex::FlexTensor;

/// The largest block that glibc's allocator can be brought to keep, less what it adds itself.
const LARGEST_KEPT: usize = (32 << 20) - (64 << 10);

/// Lets the process keep the memory of tensors that are dropped, for the next ones.
///
/// glibc gives large blocks back to the system and the system clears them before it hands them out again, which takes a
/// quarter of the time of a gradient step of a small network. Its allocator learns from what is freed: once a block of
/// 32 MiB has been, smaller ones come from its own heap, which it gives back only beyond 64 MiB. The block is never
/// written, so it takes no memory. Where the allocator is another one nothing happens.
pub fn keep_buffers() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| drop(black_box(Vec::<u8>::with_capacity(LARGEST_KEPT))));
}

/// The tensor with its elements in order, in a buffer of its own: copied only if it is a view or someone else holds it.
pub(crate) fn own(tensor: FlexTensor) -> FlexTensor {
    let contiguous = tensor.to_contiguous();
    // Only now may the buffer be held once.
    drop(tensor);
    contiguous
}
