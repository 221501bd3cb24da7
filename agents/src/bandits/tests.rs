//! What all bandit policies have in common: learning, masks, saving, batches, episodes, evaluation.

mod behaviour;
mod episodes;
mod learning;
mod planner;
mod published;
mod recovering;
mod replanning;
