//! Numbers and letters as they stand in a message.

/// A field of fixed length.
pub(super) trait Field: Sized {
    /// Its bytes.
    const LEN: usize;

    /// Reads it from the beginning of `bytes`, which are at least [`Self::LEN`].
    fn get(bytes: &[u8]) -> Self;

    /// Appends it.
    fn put(&self, out: &mut Vec<u8>);
}

macro_rules! number_field {
    ($($number:ty),*) => {$(
        impl Field for $number {
            const LEN: usize = size_of::<$number>();

            fn get(bytes: &[u8]) -> Self {
                // A loop, not a conversion of the slice, because it cannot fail.
                let mut value = [0; Self::LEN];
                for (to, from) in value.iter_mut().zip(bytes) {
                    *to = *from;
                }
                Self::from_be_bytes(value)
            }

            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
        }
    )*};
}

number_field!(u8, u16, u32, u64);

/// Text, padded with spaces.
impl<const N: usize> Field for [u8; N] {
    const LEN: usize = N;

    fn get(bytes: &[u8]) -> Self {
        let mut value = [0; N];
        for (to, from) in value.iter_mut().zip(bytes) {
            *to = *from;
        }
        value
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}
