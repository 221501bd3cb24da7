//! Terminal and page against games in memory.
