"""Measures Palaestra's POPGym families against POPGym's own Python and prints a Markdown table. Standard library only.

    cargo build --release -p palaestra
    python3 tests/peers/popgym.py --palaestra target/release/palaestra

The first run creates a virtual environment under `target/peers`; that needs PyPI. Then everything is pinned to one
core, and for each family Palaestra and POPGym are measured in turn, pair by pair, so that a ratio compares neighbours
in time; it is the median over the pairs. The last line is the geometric mean of the ratios. README.md beside this file
tells what a number means.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys

from run import ROOT, PeerError, machine, measure, millions, say, table, virtual_environment

HERE = pathlib.Path(__file__).resolve().parent
BOUND = 30.0
# Steps per second on one core that Palaestra sets itself for cards, bandits and cart-poles.
OWN_BOUND = 2e6
# POPGym's class without difficulty, Palaestra's identifier, and whether OWN_BOUND concerns it.
FAMILIES = [
    ("RepeatFirst", "repeat_first-v0", True),
    ("RepeatPrevious", "repeat_previous-v0", True),
    ("Autoencode", "autoencode-v0", True),
    ("CountRecall", "count_recall-v0", True),
    ("HigherLower", "higher_lower-v0", True),
    ("Battleship", "battleship-v0", False),
    ("Concentration", "concentration-v0", True),
    ("MineSweeper", "mine_sweeper-v0", False),
    ("MultiarmedBandit", "multiarmed_bandit-v0", True),
    ("PositionOnlyCartPole", "position_only_cartpole-v0", True),
    ("NoisyPositionOnlyCartPole", "noisy_position_only_cartpole-v0", True),
    ("VelocityOnlyCartPole", "velocity_only_cartpole-v0", True),
    ("PositionOnlyPendulum", "position_only_pendulum-v0", False),
    ("NoisyPositionOnlyPendulum", "noisy_position_only_pendulum-v0", False),
    ("LabyrinthEscape", "labyrinth_escape-v0", False),
    ("LabyrinthExplore", "labyrinth_explore-v0", False),
]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--palaestra", type=pathlib.Path, default=ROOT / "target/release/palaestra")
    parser.add_argument("--difficulty", choices=["easy", "medium", "hard"], default="easy")
    parser.add_argument("--families", default="", help="comma-separated POPGym names without difficulty; all if empty")
    parser.add_argument("--rows", type=int, default=1024, help="rows that Palaestra steps together")
    parser.add_argument("--pairs", type=int, default=3, help="pairs (palaestra, popgym) a family")
    parser.add_argument("--seconds", type=float, default=1.0, help="wall seconds of one repetition of POPGym")
    parser.add_argument("--cpu", type=int, help="core to pin everything to (default: the last one allowed)")
    parser.add_argument("--output", type=pathlib.Path, help="also write all numbers to this JSON file")
    options = parser.parse_args()
    wanted = [name for name in options.families.split(",") if name]
    unknown = [name for name in wanted if name not in [family[0] for family in FAMILIES]]
    if unknown:
        parser.error(f"unknown family: {unknown[0]}")
    if options.pairs < 1:
        parser.error("--pairs is at least 1")
    options.families = [family for family in FAMILIES if not wanted or family[0] in wanted]
    options.palaestra = options.palaestra.resolve()
    if not options.palaestra.is_file():
        parser.error(f"no program at {options.palaestra}")
    return options


def main():
    options = arguments()
    facts = machine()
    python = virtual_environment("requirements-popgym.txt")
    if hasattr(os, "sched_setaffinity"):
        cpu = max(os.sched_getaffinity(0)) if options.cpu is None else options.cpu
        os.sched_setaffinity(0, {cpu})

    def theirs(name):
        words = ["--env", name + options.difficulty.capitalize(), "--seconds", options.seconds, "--repetitions", 2]
        document = measure([python, HERE / "popgym_env.py", *words])
        return float(document["steps_per_second"])

    def ours(identifier):
        words = ["--rows", options.rows, "--args", json.dumps({"difficulty": options.difficulty}), "--json"]
        return float(measure([options.palaestra, "bench", "env", identifier, *words])["steps_per_second"])

    rows, results, failed = [], {}, {}
    for name, identifier, bounded in options.families:
        pairs = []
        try:
            for i in range(options.pairs):
                # The order changes from pair to pair, so that a drift of the machine cancels.
                if i % 2 == 0:
                    mine = ours(identifier)
                    pairs.append((mine, theirs(name)))
                else:
                    other = theirs(name)
                    pairs.append((ours(identifier), other))
        except PeerError as error:
            failed[name] = str(error)
            continue
        best = max(mine for mine, _ in pairs)
        ratios = [mine / other for mine, other in pairs]
        results[name] = {"pairs": pairs, "ratio": statistics.median(ratios)}
        say(f"{name}: {results[name]['ratio']:.0f} times POPGym")
        met = "" if not bounded else "yes" if best >= OWN_BOUND else "NO"
        rows.append([
            name,
            millions(max(other for _, other in pairs)),
            millions(best),
            f"**{results[name]['ratio']:.0f}**",
            f"{min(ratios):.0f} to {max(ratios):.0f}",
            met,
        ])  # fmt: skip
    print(
        f"Machine: {facts['processor']}, {facts['cores']} cores, one used; load average at the start "
        f"{facts['load_average_at_start']}; {facts['rustc']}; Python {facts['python']}.\n"
        f"Commit: {facts['commit']}.\nCommand: `{facts['command']}`.\n"
    )
    header = ["family", "popgym steps/s", f"palaestra steps/s, {options.rows} rows", "ratio", "range"]
    print(table([*header, f"≥ {OWN_BOUND / 1e6:.0f} M"], rows))
    geometric = statistics.geometric_mean(r["ratio"] for r in results.values()) if results else float("nan")
    met = "yes" if geometric >= BOUND else "NO"
    print(f"\nGeometric mean of the ratios: **{geometric:.1f}** (bound ≥ {BOUND:.0f}; met: {met}).")
    for name, reason in failed.items():
        print(f"\nNot measured: {name} ({reason}).")
    if options.output:
        document = {"machine": facts, "families": results, "geometric_mean": geometric, "not_measured": failed}
        options.output.write_text(json.dumps(document, indent=2) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
