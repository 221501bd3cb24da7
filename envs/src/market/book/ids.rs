//! From the id of a live order to its handle, without allocating.
//!
//! Ids that an exchange assigns come one after the other, so their low bits are a place in a table of their own, where
//! neighbours in time lie side by side. Where that place is taken by an order that has lived very long, and for ids of any
//! other kind, there is a table with open addressing and a fixed hash; it is never more than half full, and a removal closes
//! the gap.

use super::config::Ids;
use super::slab::{Handle, NIL, Slab};

/// Finds live orders.
#[derive(Debug, Clone)]
pub(super) struct IdTable {
    /// Handle of the order whose id has these low bits; empty for ids of any kind.
    direct: Box<[Handle]>,
    hashed: Box<[Handle]>,
    in_hashed: u32,
}

impl IdTable {
    /// For at most `capacity` live orders.
    pub(super) fn new(ids: Ids, capacity: u32) -> Self {
        let places = (2 * capacity as usize).next_power_of_two();
        Self {
            direct: match ids {
                Ids::Sequential => vec![NIL; places].into(),
                Ids::Any => Box::default(),
            },
            hashed: vec![NIL; places].into(),
            in_hashed: 0,
        }
    }

    /// The same ids in a table for at most `capacity` live orders.
    pub(super) fn grow(&mut self, capacity: u32, orders: &Slab) {
        let ids = if self.direct.is_empty() {
            Ids::Any
        } else {
            Ids::Sequential
        };
        let small = std::mem::replace(self, Self::new(ids, capacity));
        for &handle in small.direct.iter().chain(&small.hashed) {
            if handle != NIL {
                self.insert(orders[handle].id, handle);
            }
        }
    }

    #[inline]
    pub(super) fn get(&self, id: u64, orders: &Slab) -> Option<Handle> {
        if !self.direct.is_empty() {
            let handle = self.direct[id as usize & (self.direct.len() - 1)];
            if handle != NIL && orders[handle].id == id {
                return Some(handle);
            }
        }
        if self.in_hashed == 0 {
            None
        } else {
            self.find(id, orders).map(|at| self.hashed[at])
        }
    }

    /// Adds an id that is not in the table.
    #[inline]
    pub(super) fn insert(&mut self, id: u64, handle: Handle) {
        if !self.direct.is_empty() {
            let at = id as usize & (self.direct.len() - 1);
            if self.direct[at] == NIL {
                self.direct[at] = handle;
                return;
            }
        }
        self.insert_hashed(id, handle);
    }

    /// Removes the id of the order `handle`, which is still in its place.
    #[inline]
    pub(super) fn remove(&mut self, id: u64, handle: Handle, orders: &Slab) {
        if !self.direct.is_empty() {
            let at = id as usize & (self.direct.len() - 1);
            if self.direct[at] == handle {
                self.direct[at] = NIL;
                return;
            }
        }
        self.remove_hashed(id, orders);
    }

    pub(super) fn clear(&mut self) {
        self.direct.fill(NIL);
        self.hashed.fill(NIL);
        self.in_hashed = 0;
    }

    /// Where probing for `id` begins: the high bits of its product with 2⁶⁴ / φ (Knuth, volume 3, 6.4).
    #[inline]
    fn home(&self, id: u64) -> usize {
        let bits = self.hashed.len().trailing_zeros();
        (id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - bits)) as usize
    }

    #[inline]
    fn find(&self, id: u64, orders: &Slab) -> Option<usize> {
        let mask = self.hashed.len() - 1;
        let mut at = self.home(id);
        loop {
            let handle = self.hashed[at];
            if handle == NIL {
                return None;
            }
            if orders[handle].id == id {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
    }

    #[inline]
    fn insert_hashed(&mut self, id: u64, handle: Handle) {
        let mask = self.hashed.len() - 1;
        let mut at = self.home(id);
        while self.hashed[at] != NIL {
            at = (at + 1) & mask;
        }
        self.hashed[at] = handle;
        self.in_hashed += 1;
    }

    #[inline]
    fn remove_hashed(&mut self, id: u64, orders: &Slab) {
        let Some(mut gap) = self.find(id, orders) else {
            return;
        };
        self.in_hashed -= 1;
        let mask = self.hashed.len() - 1;
        let mut at = gap;
        loop {
            at = (at + 1) & mask;
            let handle = self.hashed[at];
            if handle == NIL {
                break;
            }
            // An entry moves into the gap unless its probing begins behind it.
            let from_home = at.wrapping_sub(self.home(orders[handle].id)) & mask;
            if from_home >= at.wrapping_sub(gap) & mask {
                self.hashed[gap] = handle;
                gap = at;
            }
        }
        self.hashed[gap] = NIL;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::slab::Order;
    use super::*;

    proptest! {
        /// Ids that collide in either table: few of them, and multiples of its size.
        #[test]
        fn finds_what_is_live(
            sequential in any::<bool>(),
            steps in prop::collection::vec((0u64..12, 0u64..3), 1..200),
        ) {
            let ids = if sequential { Ids::Sequential } else { Ids::Any };
            let (mut table, mut orders) = (IdTable::new(ids, 16), Slab::new(16));
            let mut expected = BTreeMap::new();
            for (low, high) in steps {
                let id = low + 32 * high;
                match expected.remove(&id) {
                    Some(handle) => {
                        table.remove(id, handle, &orders);
                        orders.remove(handle);
                    }
                    None if !orders.is_full() => {
                        let handle = orders.insert(Order { id, ..Order::default() });
                        table.insert(id, handle);
                        expected.insert(id, handle);
                    }
                    None => {}
                }
                for id in (0..12).flat_map(|low| (0..3).map(move |high| low + 32 * high)) {
                    prop_assert_eq!(table.get(id, &orders), expected.get(&id).copied());
                }
            }
        }
    }
}
