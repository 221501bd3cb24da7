//! Writing events as records.

use std::io::{self, Write};

use super::{
    super::{FeedEvent, Kind, Side, Unwritable},
    Action, MboRecord, Metadata, flags,
};

const FORMAT: &str = "DBN";

/// Writes a DBN file, uncompressed.
#[derive(Debug)]
pub struct DbnWriter<W> {
    output: W,
    publisher: u16,
    sequence: u32,
}

impl<W: Write> DbnWriter<W> {
    /// Writes the metadata; `output` should be buffered.
    ///
    /// # Errors
    /// Those of the output.
    pub fn new(mut output: W, metadata: &Metadata, publisher: u16) -> io::Result<Self> {
        output.write_all(&metadata.encode())?;
        Ok(Self {
            output,
            publisher,
            sequence: 0,
        })
    }

    /// Writes an event, in the units of this format. An execution becomes T, F and C, a replacement C and A; `removed` is
    /// the size that the order had which a replacement takes away.
    ///
    /// # Errors
    /// [`Unwritable`].
    pub fn write(&mut self, event: &FeedEvent, removed: u64) -> Result<(), Unwritable> {
        let kind = event.kind.name();
        let too_large = |what| Unwritable::TooLarge {
            format: FORMAT,
            kind,
            what,
        };
        let size = u32::try_from(event.size).map_err(|_| too_large("the size"))?;
        let removed = u32::try_from(removed).map_err(|_| too_large("the size"))?;
        let side = event.side;
        let lacks = |what| Unwritable::Unknown { kind, what };
        let needs_side = || side.map(|_| ()).ok_or_else(|| lacks("its side"));
        let needs_price = || event.price.map(|_| ()).ok_or_else(|| lacks("its price"));
        self.sequence = self.sequence.wrapping_add(1);
        let plain = MboRecord {
            publisher: self.publisher,
            instrument: event.symbol,
            ts_event: event.time_ns,
            order_id: event.order_id,
            price: event.price.unwrap_or(MboRecord::NO_PRICE),
            size,
            flags: 0,
            channel: 0,
            action: Action::None,
            side,
            ts_recv: event.time_ns,
            ts_in_delta: 0,
            sequence: self.sequence,
        };
        let as_action = |action| MboRecord { action, ..plain };
        match event.kind {
            Kind::Add | Kind::Modify => {
                needs_side()?;
                needs_price()?;
                let add = event.kind == Kind::Add;
                let action = if add { Action::Add } else { Action::Modify };
                self.records(&mut [as_action(action)])
            }
            Kind::Reduce | Kind::Delete => {
                needs_side()?;
                self.records(&mut [as_action(Action::Cancel)])
            }
            Kind::Execute | Kind::ExecuteUnprinted => {
                needs_side()?;
                let trade = MboRecord {
                    order_id: 0,
                    side: side.map(Side::opposite),
                    ..as_action(Action::Trade)
                };
                let (fill, cancel) = (as_action(Action::Fill), as_action(Action::Cancel));
                self.records(&mut [trade, fill, cancel])
            }
            Kind::Hidden | Kind::Cross => self.records(&mut [MboRecord {
                side: side.map(Side::opposite),
                ..as_action(Action::Trade)
            }]),
            Kind::Replace => {
                needs_side()?;
                needs_price()?;
                let cancel = MboRecord {
                    size: removed,
                    price: MboRecord::NO_PRICE,
                    ..as_action(Action::Cancel)
                };
                let add = MboRecord {
                    order_id: event.new_order_id,
                    ..as_action(Action::Add)
                };
                self.records(&mut [cancel, add])
            }
            Kind::Clear => self.records(&mut [as_action(Action::Clear)]),
            Kind::SetLevel | Kind::Halt | Kind::Quote | Kind::Resume | Kind::Other => {
                let format = FORMAT;
                Err(Unwritable::Kind { format, kind })
            }
        }
    }

    /// Writes records of one event, of which the last is marked.
    fn records(&mut self, records: &mut [MboRecord]) -> Result<(), Unwritable> {
        if let Some(last) = records.last_mut() {
            last.flags |= flags::LAST;
        }
        for record in records {
            self.output.write_all(&record.encode())?;
        }
        Ok(())
    }

    /// Writes what is still buffered.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(mut self) -> io::Result<()> {
        self.output.flush()
    }
}
