//! An array that grows without moving what it holds: a directory of chunks that are allocated when first needed.
//!
//! Invariant: the address of an element never changes and its memory is freed with the array only, so a reader may hold an
//! index for as long as it likes. Holds the records of the index, the policies and the owners.

use std::sync::OnceLock;

/// Up to `capacity` elements in chunks of `2^SHIFT`. Reading costs the directory's line, which stays in the cache, and the
/// element's.
pub(crate) struct Chunked<T, const SHIFT: u32> {
    chunks: Box<[OnceLock<Box<[T]>>]>,
    capacity: u32,
}

impl<T: Default, const SHIFT: u32> Chunked<T, SHIFT> {
    const PER_CHUNK: u32 = 1 << SHIFT;

    /// An array without any chunk yet; only the directory is allocated.
    pub(crate) fn new(capacity: u32) -> Self {
        let chunks = capacity.div_ceil(Self::PER_CHUNK);
        Self {
            chunks: (0..chunks).map(|_| OnceLock::new()).collect(),
            capacity,
        }
    }

    /// The element, if its chunk was ever needed.
    #[inline]
    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        let chunk = self.chunks.get((index >> SHIFT) as usize)?.get()?;
        chunk.get((index & (Self::PER_CHUNK - 1)) as usize)
    }

    /// The element, allocating its chunk when it is the first one there; `None` at or above the capacity.
    pub(crate) fn get_or_grow(&self, index: u32) -> Option<&T> {
        if index >= self.capacity {
            return None;
        }
        self.chunks
            .get((index >> SHIFT) as usize)?
            .get_or_init(|| (0..Self::PER_CHUNK).map(|_| T::default()).collect());
        self.get(index)
    }

    /// What the directory and the chunks occupy. Cost: one step per chunk of the directory.
    pub(crate) fn memory_bytes(&self) -> usize {
        let elements: usize = self
            .chunks
            .iter()
            .filter_map(OnceLock::get)
            .map(|chunk| chunk.len())
            .sum();
        size_of_val(&*self.chunks) + elements * size_of::<T>()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn an_element_keeps_its_address_while_the_array_grows() {
        let array: Chunked<AtomicU32, 2> = Chunked::new(64);
        let first = array.get_or_grow(0).unwrap();
        first.store(7, Ordering::Relaxed);

        for index in 1..64 {
            array.get_or_grow(index).unwrap();
        }

        assert!(std::ptr::eq(first, array.get(0).unwrap()));
        assert_eq!(array.get(0).unwrap().load(Ordering::Relaxed), 7);
    }

    #[test]
    fn the_capacity_is_a_limit_even_inside_a_chunk() {
        let array: Chunked<AtomicU32, 2> = Chunked::new(5);

        assert!(array.get_or_grow(4).is_some());
        assert!(array.get_or_grow(5).is_none());
    }

    #[test]
    fn memory_is_allocated_and_counted_by_chunk() {
        let array: Chunked<AtomicU32, 2> = Chunked::new(64);
        let empty = array.memory_bytes();

        assert!(array.get(9).is_none(), "nothing was put there yet");
        array.get_or_grow(9).unwrap();

        assert_eq!(array.memory_bytes() - empty, 16);
    }
}
