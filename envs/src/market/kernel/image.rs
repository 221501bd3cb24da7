//! A market as plain data, to be saved and restored.

use serde::{Deserialize, Serialize};

use super::queue::{Parcel, QueueImage};
use super::{Kernel, Notice, OrderFlow};
use crate::market::book::{Book, BookImage};
use crate::market::order::Time;

/// All that is in a market, but for what it was made with, the flow, and the tables of the traders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelImage {
    books: Vec<BookImage>,
    queue: QueueImage,
    inbox: Vec<Notice>,
    now: Time,
    next_id: u64,
    fees_paid: i64,
    events: u64,
    overflows: u64,
}

impl Kernel {
    /// The market as plain data. What a player has wished since the kernel ran last is no part of it.
    pub fn image(&self) -> KernelImage {
        KernelImage {
            books: self.books.iter().map(Book::image).collect(),
            queue: self.wire.queue.image(),
            inbox: self.inbox.clone(),
            now: self.now,
            next_id: self.next_id,
            fees_paid: self.wire.fees_paid,
            events: self.events,
            overflows: self.overflows,
        }
    }

    /// Becomes the market of which `image` was taken, which was made with the same configuration and had `flow`.
    ///
    /// # Errors
    /// A sentence if there can be no such market.
    pub fn restore<F: OrderFlow + ?Sized>(
        &mut self,
        image: &KernelImage,
        flow: &F,
    ) -> Result<(), String> {
        if image.books.len() != self.books.len() {
            return Err(format!(
                "{} books instead of {}",
                image.books.len(),
                self.books.len()
            ));
        }
        let parcels = image.queue.dues.iter().filter_map(|(.., parcel)| *parcel);
        let symbols = parcels.filter_map(|parcel| match parcel {
            Parcel::Request { symbol, .. } | Parcel::Notice { symbol, .. } => Some(symbol),
            Parcel::Phase(_) => None,
        });
        let known = self.books.len();
        if let Some(symbol) = symbols
            .chain(image.inbox.iter().map(|notice| notice.symbol))
            .find(|symbol| usize::from(symbol.0) >= known)
        {
            return Err(format!("there is no instrument {}", symbol.0));
        }
        for (book, image) in self.books.iter_mut().zip(&image.books) {
            book.restore(image)?;
        }
        self.wire.queue.restore(&image.queue)?;
        self.outbox.wishes.clear();
        self.inbox.clone_from(&image.inbox);
        self.now = image.now;
        self.next_id = image.next_id;
        self.wire.fees_paid = image.fees_paid;
        self.events = image.events;
        self.overflows = image.overflows;
        self.flow_traders = flow.traders();
        self.wire.listen(flow);
        Ok(())
    }
}
