//! Palaestra against numbers computed elsewhere; `tests/golden/README.md` tells where each comes from.

#[path = "golden/control.rs"]
mod control;
#[path = "golden/playthroughs.rs"]
mod playthroughs;
