//! One record.

use super::super::{Problem, Side};

/// Bits of [`MboRecord::flags`].
pub mod flags {
    /// The last record of an event of the matching engine.
    pub const LAST: u8 = 128;
    /// Part of a snapshot, not of what happens.
    pub const SNAPSHOT: u8 = 32;
    /// `ts_recv` is not to be trusted.
    pub const BAD_TS_RECV: u8 = 8;
    /// Something was lost, and the book may be wrong.
    pub const MAYBE_BAD_BOOK: u8 = 4;
}

/// What a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A: an order comes to rest.
    Add,
    /// C: an order loses `size`.
    Cancel,
    /// M: an order now has `price` and `size`.
    Modify,
    /// R: the book is empty.
    Clear,
    /// T: an aggressor traded; the book does not change.
    Trade,
    /// F: a resting order traded; the book does not change.
    Fill,
    /// N: nothing.
    None,
}

/// The actions by letter.
const ACTIONS: [(u8, Action); 7] = [
    (b'A', Action::Add),
    (b'C', Action::Cancel),
    (b'M', Action::Modify),
    (b'R', Action::Clear),
    (b'T', Action::Trade),
    (b'F', Action::Fill),
    (b'N', Action::None),
];

/// A record of the schema MBO.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MboRecord {
    /// Vendor's number of dataset and venue.
    pub publisher: u16,
    /// Instrument.
    pub instrument: u32,
    /// Exchange's time, nanoseconds since 1970; `u64::MAX` for none.
    pub ts_event: u64,
    /// Order, 0 for none.
    pub order_id: u64,
    /// Price in 1e-9; `i64::MAX` for none.
    pub price: i64,
    /// Size.
    pub size: u32,
    /// See [`flags`].
    pub flags: u8,
    /// Vendor's channel.
    pub channel: u8,
    /// What happens.
    pub action: Action,
    /// Side of the resting order; of the aggressor for [`Action::Trade`].
    pub side: Option<Side>,
    /// Time of receipt, nanoseconds since 1970.
    pub ts_recv: u64,
    /// Nanoseconds from sending to receipt.
    pub ts_in_delta: i32,
    /// Exchange's sequence number.
    pub sequence: u32,
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut value = [0; N];
    for (to, from) in value.iter_mut().zip(bytes.iter().skip(at)) {
        *to = *from;
    }
    value
}

impl MboRecord {
    /// Bytes of a record.
    pub const LEN: usize = 56;
    /// Its type.
    pub const TYPE: u8 = 0xA0;
    /// [`Self::price`] or [`Self::ts_event`] where there is none.
    pub const NO_PRICE: i64 = i64::MAX;
    /// No time.
    pub const NO_TIME: u64 = u64::MAX;

    /// Reads a record, its header included.
    ///
    /// # Errors
    /// [`Problem::UnknownType`] for an action or side that does not exist.
    pub fn decode(bytes: &[u8; Self::LEN]) -> Result<Self, Problem> {
        let unknown = |what, letter: u8| Problem::UnknownType {
            what,
            found: format!("`{}`", letter.escape_ascii()),
        };
        let action = ACTIONS.iter().find(|(letter, _)| *letter == bytes[38]);
        Ok(Self {
            publisher: u16::from_le_bytes(array(bytes, 2)),
            instrument: u32::from_le_bytes(array(bytes, 4)),
            ts_event: u64::from_le_bytes(array(bytes, 8)),
            order_id: u64::from_le_bytes(array(bytes, 16)),
            price: i64::from_le_bytes(array(bytes, 24)),
            size: u32::from_le_bytes(array(bytes, 32)),
            flags: bytes[36],
            channel: bytes[37],
            action: action.ok_or_else(|| unknown("action", bytes[38]))?.1,
            side: match bytes[39] {
                b'B' => Some(Side::Buy),
                b'A' => Some(Side::Sell),
                b'N' => None,
                other => return Err(unknown("side", other)),
            },
            ts_recv: u64::from_le_bytes(array(bytes, 40)),
            ts_in_delta: i32::from_le_bytes(array(bytes, 48)),
            sequence: u32::from_le_bytes(array(bytes, 52)),
        })
    }

    /// The record as it stands in a file.
    pub fn encode(&self) -> [u8; Self::LEN] {
        let letter = ACTIONS.iter().find(|(_, action)| *action == self.action);
        let mut bytes = [0; Self::LEN];
        bytes[0] = (Self::LEN / 4) as u8;
        bytes[1] = Self::TYPE;
        bytes[2..4].copy_from_slice(&self.publisher.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.instrument.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.ts_event.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.order_id.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.price.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.size.to_le_bytes());
        bytes[36] = self.flags;
        bytes[37] = self.channel;
        bytes[38] = letter.map_or(b'N', |(letter, _)| *letter);
        bytes[39] = match self.side {
            Some(Side::Buy) => b'B',
            Some(Side::Sell) => b'A',
            None => b'N',
        };
        bytes[40..48].copy_from_slice(&self.ts_recv.to_le_bytes());
        bytes[48..52].copy_from_slice(&self.ts_in_delta.to_le_bytes());
        bytes[52..56].copy_from_slice(&self.sequence.to_le_bytes());
        bytes
    }
}
