//! Causal convolution by Fourier transform.

use burn::{
    signal::{irfft, rfft},
    tensor::Tensor,
};

use crate::{CoreError, complex::Complex};

/// The transform of the real last axis, zero-padded to `length`; `length/2 + 1` numbers.
///
/// # Errors
/// [`CoreError::TransformLength`] unless `length` is a power of two.
pub fn transform<const D: usize>(
    signal: Tensor<D>,
    length: usize,
) -> Result<Complex<D>, CoreError> {
    check_length(length)?;
    let (re, im) = rfft(signal, D - 1, Some(length));
    Ok(Complex::new(re, im))
}

/// The real signal of `length` numbers with the given transform.
///
/// # Errors
/// [`CoreError::TransformLength`] unless `length` is a power of two.
pub fn inverse<const D: usize>(
    spectrum: Complex<D>,
    length: usize,
) -> Result<Tensor<D>, CoreError> {
    check_length(length)?;
    Ok(irfft(spectrum.re, spectrum.im, D - 1, Some(length)))
}

fn check_length(length: usize) -> Result<(), CoreError> {
    if length.is_power_of_two() {
        return Ok(());
    }
    Err(CoreError::TransformLength {
        length,
        padded: length.next_power_of_two(),
    })
}

/// y_t = Σ_{k ≤ t} K_k u_{t−k} for every channel.
///
/// Padded to a power of two of at least 2T − 1, or the end of the sequence would wrap around into its beginning.
///
/// # Shapes
/// `input` `[B, H, T]`, `kernel` `[H, T]` to `[B, H, T]`.
///
/// # Errors
/// [`CoreError::EmptySequence`], [`CoreError::Shape`].
pub fn causal_convolution(input: Tensor<3>, kernel: Tensor<2>) -> Result<Tensor<3>, CoreError> {
    let [_, channels, steps] = input.dims();
    if steps == 0 {
        return Err(CoreError::EmptySequence);
    }
    crate::core::check_shape("kernel", kernel.dims(), [channels, steps])?;
    let length = (2 * steps - 1).next_power_of_two();
    let kernel = transform(kernel.reshape([1, channels, steps]), length)?;
    let output = inverse(transform(input, length)?.mul(kernel), length)?;
    Ok(output.narrow(2, 0, steps))
}
