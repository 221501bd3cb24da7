//! Answers that are not there yet, and how to wait for them.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

/// Rung by whoever has an answer that was waited for, from any thread.
#[derive(Debug, Clone, Default)]
pub struct Bell(Arc<(Mutex<bool>, Condvar)>);

impl Bell {
    /// Rings: who waits goes on, and so does who waits next.
    pub fn ring(&self) {
        let (rung, heard) = &*self.0;
        *rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        heard.notify_all();
    }

    /// Sleeps until it rings or `most` has passed. A bell that was rung since the last wait ends the next one at once, so no
    /// ring is missed between looking for answers and waiting for them.
    pub fn wait(&self, most: Duration) {
        let (rung, heard) = &*self.0;
        let guard = rung.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut guard, _) = heard
            .wait_timeout_while(guard, most, |rung| !*rung)
            .unwrap_or_else(PoisonError::into_inner);
        *guard = false;
    }
}

/// The rows for which a player has no answer yet.
#[derive(Debug, Clone)]
pub struct Pending {
    rows: Vec<bool>,
    count: usize,
    bell: Bell,
}

impl Pending {
    /// None of `rows` rows.
    pub fn new(rows: usize) -> Self {
        Self {
            rows: vec![false; rows],
            count: 0,
            bell: Bell::default(),
        }
    }

    /// Says that row `row` has to wait.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn mark(&mut self, row: usize) {
        self.count += usize::from(!std::mem::replace(&mut self.rows[row], true));
    }

    /// Whether row `row` has to wait.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn contains(&self, row: usize) -> bool {
        self.rows[row]
    }

    /// Whether no row has to wait.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The rows that have to wait, in ascending order.
    pub fn rows(&self) -> impl Iterator<Item = usize> + '_ {
        let rows = self.rows.iter().enumerate();
        rows.filter_map(|(row, &waits)| waits.then_some(row))
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.rows.fill(false);
        self.count = 0;
    }

    /// What is rung when an answer has come.
    pub fn bell(&self) -> &Bell {
        &self.bell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_ring_is_missed() {
        let mut pending = Pending::new(3);
        assert!(pending.is_empty());
        pending.mark(2);
        pending.mark(0);
        pending.mark(2);
        assert_eq!(pending.rows().collect::<Vec<_>>(), [0, 2]);
        assert!(pending.contains(0) && !pending.contains(1) && !pending.is_empty());
        pending.clear();
        assert!(pending.is_empty() && pending.rows().next().is_none());
        // Rung before anybody waits, and from elsewhere while somebody does; an hour would be noticed.
        let hour = Duration::from_hours(1);
        pending.bell().ring();
        pending.bell().wait(hour);
        let bell = pending.bell().clone();
        let ringer = std::thread::spawn(move || bell.ring());
        pending.bell().wait(hour);
        ringer.join().unwrap();
        // Heard once, it is silent.
        pending.bell().wait(Duration::from_millis(1));
    }
}
