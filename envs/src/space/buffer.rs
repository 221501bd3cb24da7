//! A buffer that is memory of its own or a part of a larger one.
//!
//! A batch that is stepped in several shards has one border, each field of it contiguous; each shard writes its rows of
//! it. So the shards' buffers are [`join`](Buffer::join)ed: afterwards they are parts of one whole. Copying instead
//! made two shards slower than one (0.8 of its speed with 65,536 cart-poles; with parts it is above 1.6).

#![expect(
    unsafe_code,
    reason = "threads write disjoint parts of one allocation that is read as a whole between steps"
)]

use std::{
    mem::ManuallyDrop,
    ops::{Deref, DerefMut},
    ptr::NonNull,
    slice,
    sync::Arc,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A slice that is owned, or a part of memory that is shared with others.
pub struct Buffer<T>(Storage<T>);

enum Storage<T> {
    Own(Vec<T>),
    Part(Part<T>),
}

/// `length` elements from `start` on, within `memory`.
struct Part<T> {
    start: NonNull<T>,
    length: usize,
    /// Keeps the memory alive.
    memory: Arc<Memory<T>>,
}

/// The parts of a vector; freed with the last that needs it.
struct Memory<T> {
    start: NonNull<T>,
    length: usize,
    capacity: usize,
}

// SAFETY: a part is like a `&mut [T]`, and memory like a `Vec<T>`: nothing in them belongs to a thread. That no two parts
// are used in a conflicting way is promised to `Buffer::join`.
unsafe impl<T: Send> Send for Part<T> {}
// SAFETY: as above; a shared part gives out `&[T]` only.
unsafe impl<T: Sync> Sync for Part<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Memory<T> {}
// SAFETY: shared memory gives out nothing at all.
unsafe impl<T: Sync> Sync for Memory<T> {}

impl<T> Drop for Memory<T> {
    fn drop(&mut self) {
        // SAFETY: these are the parts of a vector that was given up to make this, and no `Part` is left.
        drop(unsafe { Vec::from_raw_parts(self.start.as_ptr(), self.length, self.capacity) });
    }
}

impl<T> Buffer<T> {
    /// Moves the elements of all `parts` into one new allocation. Each of `parts` becomes the run of it that holds its
    /// elements; the whole is returned.
    ///
    /// # Safety
    /// As long as one of the parts is used to write, neither the whole nor a whole made of the whole may be in use, and
    /// the other way round: to the compiler they are unrelated. The parts themselves do not overlap. Who is given a
    /// `&mut` to one of them can move it elsewhere (`std::mem::take`), out of sight of the borrow that protected it:
    /// before it is used again, [`shares`](Self::shares) must tell that both are where they belong.
    pub(crate) unsafe fn join(parts: &mut [&mut Self]) -> Self
    where
        T: Clone,
    {
        let all: Vec<T> = parts.iter().flat_map(|part| part.iter().cloned()).collect();
        let mut all = ManuallyDrop::new(all);
        let (length, capacity) = (all.len(), all.capacity());
        let Some(start) = NonNull::new(all.as_mut_ptr()) else {
            unreachable!("a vector's pointer is never null")
        };
        let memory = Arc::new(Memory {
            start,
            length,
            capacity,
        });
        let mut first = 0;
        for part in parts {
            let own = part.len();
            assert!(first + own <= length, "parts lie within the whole");
            **part = Self(Storage::Part(Part {
                // SAFETY: `first <= length`, so this points into the allocation or to its end.
                start: unsafe { start.add(first) },
                length: own,
                memory: memory.clone(),
            }));
            first += own;
        }
        Self(Storage::Part(Part {
            start,
            length,
            memory,
        }))
    }

    /// Whether both are of the same allocation, made by [`join`](Self::join).
    pub(crate) fn shares(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Storage::Part(a), Storage::Part(b)) => Arc::ptr_eq(&a.memory, &b.memory),
            _ => false,
        }
    }

    /// The elements as a vector that can grow. A part of a whole becomes memory of its own first.
    pub fn to_mut(&mut self) -> &mut Vec<T>
    where
        T: Clone,
    {
        if let Storage::Part(_) = self.0 {
            self.0 = Storage::Own(self.to_vec());
        }
        match &mut self.0 {
            Storage::Own(own) => own,
            Storage::Part(_) => unreachable!("made its own above"),
        }
    }

    /// The elements as a vector; copied if they are part of a whole.
    pub fn into_vec(self) -> Vec<T>
    where
        T: Clone,
    {
        match self.0 {
            Storage::Own(own) => own,
            Storage::Part(_) => self.to_vec(),
        }
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match &self.0 {
            Storage::Own(own) => own,
            Storage::Part(part) => {
                debug_assert!(part.length <= part.memory.length);
                // SAFETY: the elements are initialised and alive with `memory`; who called `join` sees to it that
                // nobody writes them now.
                unsafe { slice::from_raw_parts(part.start.as_ptr(), part.length) }
            }
        }
    }
}

impl<T> DerefMut for Buffer<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.0 {
            Storage::Own(own) => own,
            Storage::Part(part) => {
                debug_assert!(part.length <= part.memory.length);
                // SAFETY: as in `deref`, and nobody reads them now.
                unsafe { slice::from_raw_parts_mut(part.start.as_ptr(), part.length) }
            }
        }
    }
}

impl<T> From<Vec<T>> for Buffer<T> {
    fn from(own: Vec<T>) -> Self {
        Self(Storage::Own(own))
    }
}

/// A copy is memory of its own.
impl<T: Clone> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        self.to_vec().into()
    }
}

impl<T> Default for Buffer<T> {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> AsRef<[T]> for Buffer<T> {
    fn as_ref(&self) -> &[T] {
        self
    }
}

impl<T: PartialEq, B: AsRef<[T]> + ?Sized> PartialEq<B> for Buffer<T> {
    fn eq(&self, other: &B) -> bool {
        **self == *other.as_ref()
    }
}

impl<'a, T> IntoIterator for &'a Buffer<T> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T> IntoIterator for &'a mut Buffer<T> {
    type Item = &'a mut T;
    type IntoIter = slice::IterMut<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<T: Serialize> Serialize for Buffer<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Buffer<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from)
    }
}

// Small and free of other code, so that it can be run under Miri: `cargo +nightly miri test -p palaestra-envs buffer`.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_written_on_threads_of_their_own_and_read_as_one() {
        let mut first = Buffer::from(vec![String::from("a"), "b".into()]);
        let (mut second, mut third) = (Buffer::default(), Buffer::from(vec!["c".into()]));
        // SAFETY: below, the whole is used only when no part is.
        let mut whole = unsafe { Buffer::join(&mut [&mut first, &mut second, &mut third]) };
        assert_eq!(whole, ["a", "b", "c"].map(String::from));
        assert!(whole.shares(&second) && !whole.shares(&whole.clone()));
        std::thread::scope(|scope| {
            scope.spawn(|| first[1].push('!'));
            scope.spawn(|| third[0].push('?'));
        });
        assert_eq!(whole, ["a", "b!", "c?"].map(String::from));
        whole[0].push('.');
        assert_eq!((first[0].as_str(), second.len()), ("a.", 0));
        drop(whole);
        assert_eq!(third, ["c?".to_owned()]);
    }

    #[test]
    fn what_grows_or_is_copied_is_memory_of_its_own() {
        let (mut first, mut second) = (Buffer::from(vec![1, 2]), Buffer::from(vec![3]));
        // SAFETY: the parts are only read, or leave the whole.
        let whole = unsafe { Buffer::join(&mut [&mut first, &mut second]) };
        first.to_mut().push(9);
        let mut copy = second.clone();
        copy[0] = 7;
        assert_eq!(
            (first, whole.into_vec()),
            (vec![1, 2, 9].into(), vec![1, 2, 3])
        );
        assert_eq!(second, [3]);
    }
}
