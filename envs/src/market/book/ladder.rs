//! Price levels of both sides in one array around the touch, and lists of the levels far from it.
//!
//! A level belongs to the bids or to the asks, never to both, so the sides share the array and have a set of occupied levels
//! each. Bids below the array and asks above it are in a sorted list per side. Only the best price of a side decides whether
//! the array has to move: a level there, or within a quarter of the array from it, is always inside.

use super::bits::BitSet;
use super::slab::{Handle, NIL, Slab};
use crate::market::order::Side;

/// Ticks that a price can have: 0 to this, so that arithmetic with them cannot overflow.
pub(super) const MAX_TICK: i32 = 1 << 30;

/// Best price of a side without orders, or the limit of a market order of the other side: worse than any.
pub(super) const WORST: [i32; 2] = [i32::MIN, i32::MAX];

/// Whether price `a` is better than `b`, or equal, for an order of `side`.
#[inline]
pub(super) fn at_least_as_good(side: Side, a: i32, b: i32) -> bool {
    match side {
        Side::Buy => a >= b,
        Side::Sell => a <= b,
    }
}

/// Orders in the order in which they trade.
#[derive(Debug, Clone, Copy)]
pub(super) struct Queue {
    pub(super) head: Handle,
    pub(super) tail: Handle,
}

impl Queue {
    pub(super) const EMPTY: Self = Self {
        head: NIL,
        tail: NIL,
    };

    #[inline]
    pub(super) fn is_empty(self) -> bool {
        self.head == NIL
    }

    #[inline]
    pub(super) fn push_back(&mut self, handle: Handle, orders: &mut Slab) {
        let order = &mut orders[handle];
        order.next = NIL;
        order.prev = self.tail;
        if self.head == NIL {
            self.head = handle;
        } else {
            orders[self.tail].next = handle;
        }
        self.tail = handle;
    }

    /// Takes the head away, whose next order is `next`.
    #[inline]
    pub(super) fn pop_front(&mut self, next: Handle) {
        self.head = next;
        if next == NIL {
            self.tail = NIL;
        }
    }

    #[inline]
    pub(super) fn unlink(&mut self, handle: Handle, orders: &mut Slab) {
        let (next, prev) = (orders[handle].next, orders[handle].prev);
        if self.head == handle {
            self.pop_front(next);
            return;
        }
        orders[prev].next = next;
        if next == NIL {
            self.tail = prev;
        } else {
            orders[next].prev = prev;
        }
    }
}

/// The orders at one price.
#[derive(Debug, Clone, Copy)]
#[repr(align(32))]
pub(super) struct Level {
    /// Displayed shares.
    pub(super) size: u64,
    /// Displayed orders.
    pub(super) count: u32,
    pub(super) displayed: Queue,
    pub(super) hidden: Queue,
}

impl Level {
    pub(super) const EMPTY: Self = Self {
        size: 0,
        count: 0,
        displayed: Queue::EMPTY,
        hidden: Queue::EMPTY,
    };

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.displayed.is_empty() && self.hidden.is_empty()
    }
}

/// Far levels of a side that there is room for from the beginning, in a book for more than [`FEW_ORDERS`]; in a smaller
/// one there is room for all that there can be.
const FEW_FAR: usize = 64;
const FEW_ORDERS: u32 = 512;

/// All price levels.
#[derive(Debug, Clone)]
pub(super) struct Ladder {
    levels: Box<[Level]>,
    occupied: [BitSet; 2],
    /// Tick of the first level of the array.
    base: i32,
    /// Best occupied tick of each side, or [`WORST`].
    best: [i32; 2],
    /// Levels outside the array with their ticks, the best one last.
    far: [Vec<(i32, Level)>; 2],
    /// Most levels that there can be: one for each order.
    most: usize,
}

impl Ladder {
    /// `window` levels, a power of two from 64 on, for at most `orders` orders.
    pub(super) fn new(window: u32, orders: u32) -> Self {
        let window = window as usize;
        let far = if orders <= FEW_ORDERS {
            orders as usize
        } else {
            FEW_FAR
        };
        Self {
            levels: vec![Level::EMPTY; window].into(),
            occupied: [BitSet::new(window), BitSet::new(window)],
            base: 0,
            best: WORST,
            far: [0; 2].map(|_| Vec::with_capacity(far)),
            most: orders as usize,
        }
    }

    /// There can be so many orders from now on.
    pub(super) fn grow(&mut self, orders: u32) {
        self.most = orders as usize;
    }

    /// Best occupied tick, hidden orders included, or [`WORST`].
    #[inline]
    pub(super) fn best(&self, side: Side) -> i32 {
        self.best[side.index()]
    }

    #[inline]
    fn slot(&self, tick: i32) -> Option<usize> {
        let slot = tick.wrapping_sub(self.base) as u32 as usize;
        (slot < self.levels.len()).then_some(slot)
    }

    fn find_far(&self, side: Side, tick: i32) -> Result<usize, usize> {
        let far = &self.far[side.index()];
        match side {
            Side::Buy => far.binary_search_by(|(t, _)| t.cmp(&tick)),
            Side::Sell => far.binary_search_by(|(t, _)| tick.cmp(t)),
        }
    }

    /// The level at `tick`, if it is occupied.
    pub(super) fn get(&self, side: Side, tick: i32) -> Option<&Level> {
        match self.slot(tick) {
            // An empty level, or one of the other side, is not this side's.
            Some(slot) => self.occupied[side.index()]
                .contains(slot)
                .then(|| &self.levels[slot]),
            None => self
                .find_far(side, tick)
                .ok()
                .map(|at| &self.far[side.index()][at].1),
        }
    }

    /// An occupied level.
    #[inline]
    pub(super) fn occupied_mut(&mut self, side: Side, tick: i32) -> &mut Level {
        match self.slot(tick) {
            Some(slot) => &mut self.levels[slot],
            None => self.far_mut(side, tick),
        }
    }

    #[cold]
    fn far_mut(&mut self, side: Side, tick: i32) -> &mut Level {
        let at = match self.find_far(side, tick) {
            Ok(at) => at,
            Err(at) => {
                self.make_room(side);
                self.far[side.index()].insert(at, (tick, Level::EMPTY));
                at
            }
        };
        &mut self.far[side.index()][at].1
    }

    /// The level at `tick`, which an order is about to join.
    #[inline]
    pub(super) fn occupy(&mut self, side: Side, tick: i32) -> &mut Level {
        let best = self.best[side.index()];
        if self.slot(tick).is_none() {
            self.move_towards(side, tick);
        }
        if at_least_as_good(side, tick, best) {
            self.best[side.index()] = tick;
        }
        match self.slot(tick) {
            Some(slot) => {
                self.occupied[side.index()].insert(slot);
                &mut self.levels[slot]
            }
            None => self.far_mut(side, tick),
        }
    }

    /// Moves the array if a level at `tick`, outside it, belongs inside.
    #[cold]
    fn move_towards(&mut self, side: Side, tick: i32) {
        let best = self.best[side.index()];
        // Also the first order of a side: it may lie on either side of the array, and far bids are below it, far asks above.
        if best == WORST[side.index()] || at_least_as_good(side, tick, best) {
            self.centre(tick);
        } else if tick.abs_diff(best) < self.levels.len() as u32 / 4 {
            self.centre(best);
        }
    }

    /// The best level of `side` is about to trade: brings it into the array.
    #[inline]
    pub(super) fn approach(&mut self, tick: i32) {
        if self.slot(tick).is_none() {
            self.centre(tick);
        }
    }

    /// Forgets a level that has become empty.
    #[inline]
    pub(super) fn vacate(&mut self, side: Side, tick: i32) {
        let s = side.index();
        match self.slot(tick) {
            Some(slot) => self.occupied[s].remove(slot),
            None => {
                if let Ok(at) = self.find_far(side, tick) {
                    self.far[s].remove(at);
                }
            }
        }
        if self.best[s] == tick {
            self.best[s] = self.next(side, tick).unwrap_or(WORST[s]);
        }
    }

    /// The next occupied tick that is worse than `tick`.
    #[inline]
    pub(super) fn next(&self, side: Side, tick: i32) -> Option<i32> {
        let s = side.index();
        let last = self.levels.len() as i32 - 1;
        // Where in the array to go on: beyond its near end from its end, beyond its far end nowhere.
        let from = tick.saturating_sub(self.base);
        let inside = match side {
            Side::Buy if from > 0 => self.occupied[s].at_or_below((from - 1).min(last) as usize),
            Side::Sell if from < last => self.occupied[s].at_or_above((from + 1).max(0) as usize),
            _ => None,
        };
        if let Some(slot) = inside {
            return Some(self.base + slot as i32);
        }
        let far = &self.far[s];
        let after = match self.find_far(side, tick) {
            Ok(at) | Err(at) => at,
        };
        far[..after].last().map(|(tick, _)| *tick)
    }

    /// Occupied ticks, the best first.
    pub(super) fn ticks(&self, side: Side) -> impl Iterator<Item = i32> + '_ {
        let best = self.best(side);
        let first = (best != WORST[side.index()]).then_some(best);
        std::iter::successors(first, move |&tick| self.next(side, tick))
    }

    /// Moves the array so that `tick` is in its middle. That is the best price of a side, so the others of that side are on
    /// one side of it, and those of the other side on the other.
    #[cold]
    fn centre(&mut self, tick: i32) {
        let window = self.levels.len() as i32;
        // All levels to the lists, the worst first, which keeps them sorted ...
        while let Some(slot) = self.occupied[0].at_or_above(0) {
            self.put_far(Side::Buy, slot);
        }
        while let Some(slot) = self.occupied[1].at_or_below(window as usize - 1) {
            self.put_far(Side::Sell, slot);
        }
        // ... and back what is in the array now.
        self.base = tick - window / 2;
        for s in 0..2 {
            while let Some(&(tick, level)) = self.far[s].last()
                && let Some(slot) = self.slot(tick)
            {
                self.far[s].pop();
                self.levels[slot] = level;
                self.occupied[s].insert(slot);
            }
        }
    }

    /// Room for all levels that can ever be far, made once when there are more than a few.
    fn make_room(&mut self, side: Side) {
        let far = &mut self.far[side.index()];
        if far.len() == far.capacity() {
            far.reserve_exact(self.most - far.len());
        }
    }

    fn put_far(&mut self, side: Side, slot: usize) {
        self.make_room(side);
        let level = std::mem::replace(&mut self.levels[slot], Level::EMPTY);
        self.far[side.index()].push((self.base + slot as i32, level));
        self.occupied[side.index()].remove(slot);
    }

    pub(super) fn clear(&mut self) {
        self.levels.fill(Level::EMPTY);
        self.occupied.iter_mut().for_each(BitSet::clear);
        self.far.iter_mut().for_each(Vec::clear);
        self.best = WORST;
    }
}
