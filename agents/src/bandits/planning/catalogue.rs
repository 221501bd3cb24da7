//! All planners in a list, for people: what each does, where it comes from and how well that is established.

/// What a planner is, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannerInfo {
    /// Its name, as in `planner = "…"`.
    pub id: &'static str,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// Where it comes from, and how well that is established.
    pub provenance: &'static str,
}

/// All planners, in the order of [`PlannerConfig`](super::PlannerConfig).
pub const PLANNERS: [PlannerInfo; 13] = [
    PlannerInfo {
        id: "greedy",
        summary: "Plays the arms that pay most in their present states, looking no round ahead.",
        provenance: "From the paper's abstract: at least 1 - 1/e of the optimum on blocking bandits (Basu, Sen, \
                     Sanghavi, Shakkottai, NeurIPS 2019, arXiv 1907.11975). Measured by us: it can be arbitrarily bad \
                     elsewhere.",
    },
    PlannerInfo {
        id: "look_ahead",
        summary: "Makes the first choice of the best next rounds, and chooses anew every round.",
        provenance: "General knowledge (receding-horizon control), no guarantee. Measured by us: looking farther can \
                     be worse.",
    },
    PlannerInfo {
        id: "exact",
        summary: "Finds the optimum over all reachable states, for small instances.",
        provenance: "General knowledge (policy iteration for mean payoffs), with bounds that certify the result. The \
                     problem is NP-hard, as the papers' abstracts state, so its cost grows exponentially with the \
                     number of arms.",
    },
    PlannerInfo {
        id: "ranking",
        summary: "Cycles over the first m arms in the order of their rested payoffs, with the best m.",
        provenance: "From the paper's abstract: within a constant factor of the optimum for payoffs that depend on \
                     the delay (Cella, Cesa-Bianchi, AISTATS 2020, arXiv 1910.02757); the constant is unverified. \
                     Several plays a round are our own extension.",
    },
    PlannerInfo {
        id: "best_block",
        summary: "Repeats for ever the block of a given length that is worth most so, found by enumeration.",
        provenance: "From the paper and its released code (Laforgue, Clerici, Cesa-Bianchi, Gilad-Bachrach, AISTATS \
                     2022, arXiv 2110.11819); the exact search is our own.",
    },
    PlannerInfo {
        id: "isi_block",
        summary: "Repeats the block of a given length that is worth most whatever the states before it.",
        provenance: "From the paper and its released code (Laforgue, Clerici, Cesa-Bianchi, Gilad-Bachrach, AISTATS \
                     2022, arXiv 2110.11819), which solves it approximately; the exact search and the bound on its \
                     loss are our own derivation.",
    },
    PlannerInfo {
        id: "calibrated_block",
        summary: "Repeats the best block that begins with all arms in turn, so that their states are known.",
        provenance: "From the released code of Laforgue, Clerici, Cesa-Bianchi, Gilad-Bachrach, AISTATS 2022; the \
                     exact search is our own.",
    },
    PlannerInfo {
        id: "harmonic",
        summary: "Plays every arm at a fixed period b*2^j, chosen so that all fit without gaps.",
        provenance: "Our own construction in the spirit of the periodic policies of Simchi-Levi, Zheng, Zhu, ICML \
                     2021, arXiv 2106.14813; no proven factor.",
    },
    PlannerInfo {
        id: "virtual_cycles",
        summary: "Gives every arm a cycle of rests and plays from the relaxation and plays the best of those whose turn it is.",
        provenance: "Our own reconstruction, with our own proof of its share of the optimum on monotone instances, of \
                     what the abstract of Foussoul, Goyal, Papadigenopoulos, Zeevi, ICML 2023, arXiv 2306.00338, \
                     announces. Not the paper's algorithm; whether its constant is the same is unverified.",
    },
    PlannerInfo {
        id: "independent",
        summary: "Draws every round's arm at the relaxation's rates; one play a round, safe for concave recharging only.",
        provenance: "Our own derivation: at least 1 - 1/e of the relaxation for payoffs that are concave in the delay \
                     from 0 on.",
    },
    PlannerInfo {
        id: "interleaved",
        summary: "Spaces every arm's plays evenly with random offsets and plays them in the order of their times; one play a round, safe for concave recharging only.",
        provenance: "An idea of Kleinberg, Immorlica, FOCS 2018, recalled and not read again; the exact value is our \
                     own derivation and the factor of about 0.816 was only found numerically.",
    },
    PlannerInfo {
        id: "rotation",
        summary: "Plays the owner of the point that a circle turned by the golden ratio shows; one play a round, safe for concave recharging only.",
        provenance: "In the style of Itai and Rosberg's golden-ratio policy, recalled and not read again; no proven \
                     factor.",
    },
    PlannerInfo {
        id: "best",
        summary: "Takes the best plan of greedy, harmonic, ranking, rotation, interleaved and virtual cycles.",
        provenance: "Our own construction. On monotone instances it has the guarantee of virtual cycles.",
    },
];
