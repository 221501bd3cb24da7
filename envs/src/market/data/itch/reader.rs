//! Reading files of framed messages.

use std::io::{ErrorKind, Read};

use super::{
    super::{DataError, FeedEvent, FeedReader, Kind, Position, Problem, Side, Units},
    Header, Message, UNITS,
};

/// Reads messages that are each preceded by their length.
#[derive(Debug)]
pub struct FrameReader<R> {
    input: R,
    /// Where the next frame begins.
    next: u64,
    /// Where the last one began.
    start: u64,
    buffer: Vec<u8>,
    ended: bool,
}

impl<R: Read> FrameReader<R> {
    /// A reader; `input` should be buffered.
    pub fn new(input: R) -> Self {
        Self {
            input,
            next: 0,
            start: 0,
            buffer: Vec::new(),
            ended: false,
        }
    }

    /// The next message, or `None` at the end of the file or session.
    ///
    /// # Errors
    /// [`DataError`] with the offset of the frame.
    pub fn read(&mut self) -> Result<Option<(Header, Message)>, DataError> {
        if self.ended {
            return Ok(None);
        }
        self.start = self.next;
        let at = Position::Byte(self.start);
        let mut length = [0; 2];
        match fill(&mut self.input, &mut length).map_err(|e| Problem::Io(e).at(at))? {
            0 => return Ok(None),
            2 => {}
            found => {
                let what = "the length of a message";
                return Err(Problem::CutOff {
                    what,
                    need: 2,
                    found,
                }
                .at(at));
            }
        }
        let need = usize::from(u16::from_be_bytes(length));
        if need == 0 {
            self.ended = true;
            return Ok(None);
        }
        self.buffer.resize(need, 0);
        let found = fill(&mut self.input, &mut self.buffer).map_err(|e| Problem::Io(e).at(at))?;
        if found < need {
            let what = "a message";
            return Err(Problem::CutOff { what, need, found }.at(at));
        }
        self.next += 2 + need as u64;
        Message::decode(&self.buffer)
            .map(Some)
            .map_err(|problem| problem.at(at))
    }

    /// Where the message that was read last begins, its length included.
    pub fn position(&self) -> Position {
        Position::Byte(self.start)
    }
}

/// Reads until the buffer is full or the file ends; returns the bytes read.
pub(in super::super) fn fill(input: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Reads a file of framed messages as events.
#[derive(Debug)]
pub struct ItchReader<R> {
    frames: FrameReader<R>,
    /// Names by locate.
    symbols: Vec<Option<Box<str>>>,
    day_ended: bool,
}

impl<R: Read> ItchReader<R> {
    /// A reader; `input` should be buffered.
    pub fn new(input: R) -> Self {
        Self {
            frames: FrameReader::new(input),
            symbols: Vec::new(),
            day_ended: false,
        }
    }

    fn name(&mut self, locate: u16, stock: [u8; 8]) {
        let index = usize::from(locate);
        if self.symbols.len() <= index {
            self.symbols.resize(index + 1, None);
        }
        if self.symbols[index].is_none() {
            let name = String::from_utf8_lossy(&stock);
            self.symbols[index] = Some(name.trim_end().into());
        }
    }
}

impl<R: Read> FeedReader for ItchReader<R> {
    fn units(&self) -> Units {
        UNITS
    }

    fn read(&mut self) -> Result<Option<FeedEvent>, DataError> {
        let Some((header, message)) = self.frames.read()? else {
            return Ok(None);
        };
        match message {
            Message::StockDirectory(m) => self.name(header.locate, m.stock),
            Message::AddOrder(m) => self.name(header.locate, m.stock),
            Message::AddOrderMpid(m) => self.name(header.locate, m.stock),
            Message::SystemEvent(m) if m.event == b'C' => self.day_ended = true,
            _ => {}
        }
        match event(&header, &message) {
            Ok(event) => Ok(Some(event)),
            Err(problem) => Err(problem.at(self.frames.position())),
        }
    }

    fn position(&self) -> Position {
        self.frames.position()
    }

    fn symbol(&self, number: u32) -> Option<&str> {
        self.symbols.get(number as usize)?.as_deref()
    }

    fn symbols(&self) -> Vec<(u32, String)> {
        let names = self.symbols.iter().enumerate();
        let known = names.filter_map(|(number, name)| Some((number as u32, name.as_deref()?)));
        known
            .map(|(number, name)| (number, name.to_owned()))
            .collect()
    }

    fn doubt(&self) -> Option<&'static str> {
        let doubt = "no message ends the day: the file may be cut off between two messages";
        (!self.day_ended).then_some(doubt)
    }
}

fn event(header: &Header, message: &Message) -> Result<FeedEvent, Problem> {
    let mut event = FeedEvent::other(header.timestamp_ns, u32::from(header.locate));
    match *message {
        Message::AddOrder(m) => {
            event.kind = Kind::Add;
            event.side = Some(side(m.side)?);
            (event.order_id, event.size) = (m.reference, u64::from(m.shares));
            event.price = Some(i64::from(m.price));
        }
        Message::AddOrderMpid(m) => {
            event.kind = Kind::Add;
            event.side = Some(side(m.side)?);
            (event.order_id, event.size) = (m.reference, u64::from(m.shares));
            event.price = Some(i64::from(m.price));
        }
        Message::OrderExecuted(m) => {
            event.kind = Kind::Execute;
            (event.order_id, event.size) = (m.reference, u64::from(m.shares));
        }
        Message::OrderExecutedWithPrice(m) => {
            event.kind = if m.printable == b'N' {
                Kind::ExecuteUnprinted
            } else {
                Kind::Execute
            };
            (event.order_id, event.size) = (m.reference, u64::from(m.shares));
            event.price = Some(i64::from(m.price));
        }
        Message::OrderCancel(m) => {
            event.kind = Kind::Reduce;
            (event.order_id, event.size) = (m.reference, u64::from(m.cancelled));
        }
        Message::OrderDelete(m) => {
            event.kind = Kind::Delete;
            event.order_id = m.reference;
        }
        Message::OrderReplace(m) => {
            event.kind = Kind::Replace;
            (event.order_id, event.new_order_id) = (m.original, m.replacement);
            (event.size, event.price) = (u64::from(m.shares), Some(i64::from(m.price)));
        }
        Message::Trade(m) => {
            event.kind = Kind::Hidden;
            event.side = Some(side(m.side)?);
            (event.order_id, event.size) = (m.reference, u64::from(m.shares));
            event.price = Some(i64::from(m.price));
        }
        Message::CrossTrade(m) if m.shares > 0 => {
            event.kind = Kind::Cross;
            (event.size, event.price) = (m.shares, Some(i64::from(m.price)));
        }
        Message::TradingAction(m) => {
            event.kind = match m.trading_state {
                b'H' | b'P' => Kind::Halt,
                b'Q' => Kind::Quote,
                b'T' => Kind::Resume,
                other => return Err(unknown("trading state", other)),
            };
        }
        _ => {}
    }
    Ok(event)
}

fn side(letter: u8) -> Result<Side, Problem> {
    match letter {
        b'B' => Ok(Side::Buy),
        b'S' => Ok(Side::Sell),
        other => Err(unknown("side", other)),
    }
}

fn unknown(what: &'static str, letter: u8) -> Problem {
    Problem::UnknownType {
        what,
        found: format!("`{}`", letter.escape_ascii()),
    }
}
