//! Where orders live: a block of memory with dense handles, so that an order is found and linked without a pointer or a box.

/// Index of an order in its [`Slab`].
pub(super) type Handle = u32;

/// No order.
pub(super) const NIL: Handle = u32::MAX;

/// A sell.
pub(super) const SELL: u8 = 1;
/// Nobody sees it.
pub(super) const HIDDEN: u8 = 2;
/// It shows a tranche at a time; its [`Extra`] holds the rest.
pub(super) const ICEBERG: u8 = 4;
/// It must not trade when it enters.
pub(super) const POST_ONLY: u8 = 8;
/// It waits for its stop price.
pub(super) const STOP: u8 = 16;
/// It waits for a call auction.
pub(super) const POOL: u8 = 32;

/// What matching needs of an order: half a cache line.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(32))]
pub(super) struct Order {
    pub(super) id: u64,
    /// Next in its queue, or in the list of free places.
    pub(super) next: Handle,
    /// Before it in its queue; of no meaning at the head.
    pub(super) prev: Handle,
    /// What trades before it loses its place.
    pub(super) open: u32,
    pub(super) trader: u32,
    /// Limit in ticks.
    pub(super) tick: i32,
    pub(super) flags: u8,
}

impl Order {
    #[inline]
    pub(super) fn is(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// What only iceberg and stop orders have.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Extra {
    /// Size of a tranche.
    pub(super) display: u32,
    /// What has not been shown.
    pub(super) reserve: u32,
    /// Stop price in ticks.
    pub(super) stop: i32,
    /// Order of entry among stop orders.
    pub(super) entry: u64,
    /// Index of its time in force.
    pub(super) tif: u8,
}

/// Places for a number of orders.
#[derive(Debug, Clone)]
pub(super) struct Slab {
    orders: Vec<Order>,
    extras: Vec<Extra>,
    free: Handle,
    live: u32,
    capacity: u32,
}

impl Slab {
    pub(super) fn new(capacity: u32) -> Self {
        Self {
            orders: Vec::with_capacity(capacity as usize),
            extras: Vec::with_capacity(capacity as usize),
            free: NIL,
            live: 0,
            capacity,
        }
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.live == self.capacity
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity as usize
    }

    pub(super) fn live(&self) -> u32 {
        self.live
    }

    /// Makes room for `capacity` orders, more than there is room for.
    pub(super) fn grow(&mut self, capacity: u32) {
        self.orders
            .reserve_exact(capacity as usize - self.orders.len());
        self.extras
            .reserve_exact(capacity as usize - self.extras.len());
        self.capacity = capacity;
    }

    /// A place for `order`; there must be one.
    #[inline]
    pub(super) fn insert(&mut self, order: Order) -> Handle {
        debug_assert!(!self.is_full());
        self.live += 1;
        if self.free == NIL {
            self.orders.push(order);
            return self.orders.len() as Handle - 1;
        }
        let handle = self.free;
        let place = &mut self.orders[handle as usize];
        self.free = place.next;
        *place = order;
        handle
    }

    #[inline]
    pub(super) fn remove(&mut self, handle: Handle) {
        self.orders[handle as usize].next = self.free;
        self.free = handle;
        self.live -= 1;
    }

    #[inline]
    pub(super) fn extra(&self, handle: Handle) -> &Extra {
        &self.extras[handle as usize]
    }

    #[inline]
    pub(super) fn extra_mut(&mut self, handle: Handle) -> &mut Extra {
        &mut self.extras[handle as usize]
    }

    pub(super) fn set_extra(&mut self, handle: Handle, extra: Extra) {
        if self.extras.len() <= handle as usize {
            self.extras.resize(handle as usize + 1, Extra::default());
        }
        self.extras[handle as usize] = extra;
    }

    /// What an order has in reserve.
    #[inline]
    pub(super) fn reserve(&self, handle: Handle) -> u32 {
        if self[handle].is(ICEBERG) {
            self.extra(handle).reserve
        } else {
            0
        }
    }

    pub(super) fn clear(&mut self) {
        self.orders.clear();
        self.free = NIL;
        self.live = 0;
    }
}

impl std::ops::Index<Handle> for Slab {
    type Output = Order;

    #[inline]
    fn index(&self, handle: Handle) -> &Order {
        &self.orders[handle as usize]
    }
}

impl std::ops::IndexMut<Handle> for Slab {
    #[inline]
    fn index_mut(&mut self, handle: Handle) -> &mut Order {
        &mut self.orders[handle as usize]
    }
}
