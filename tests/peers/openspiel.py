"""Measures solvers of games against OpenSpiel's and their own bounds, and prints a Markdown table.

    python3 -m venv target/peers/openspiel
    target/peers/openspiel/bin/pip install open_spiel==2.0.2
    cargo build --release -p palaestra
    target/peers/openspiel/bin/python tests/peers/openspiel.py --palaestra target/release/palaestra

Fetches nothing itself. Everything is pinned to one core; the two sides of a ratio take turns, and the median of the ratios
counts. What is timed are the iterations alone, on either side: not the making of the game, nor the gap.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

ITERATIONS = 1000


def ours(program):
    """The documents of `palaestra bench solvers`, by name."""
    command = [str(program), "bench", "solvers", "--repetitions", "5", "--json"]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return {entry["name"]: entry for entry in json.loads(done.stdout)["measured"]}


def python_cfr_plus(pyspiel, cfr, exploitability):
    """Seconds of OpenSpiel's CFR+ in Python, and NashConv after it."""
    game = pyspiel.load_game("kuhn_poker")
    solver = cfr.CFRPlusSolver(game)
    started = time.perf_counter()
    for _ in range(ITERATIONS):
        solver.evaluate_and_update_policy()
    seconds = time.perf_counter() - started
    return seconds, exploitability.nash_conv(game, solver.average_policy())


def cpp_cfr_plus(pyspiel):
    """Seconds of OpenSpiel's CFR+ in C++, called from Python an iteration at a time, and NashConv after it."""
    game = pyspiel.load_game("kuhn_poker")
    solver = pyspiel.CFRPlusSolver(game)
    step = solver.evaluate_and_update_policy
    started = time.perf_counter()
    for _ in range(ITERATIONS):
        step()
    seconds = time.perf_counter() - started
    return seconds, pyspiel.nash_conv(game, solver.average_policy())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parent.parent.parent
    parser.add_argument("--palaestra", type=pathlib.Path, default=root / "target/release/palaestra")
    parser.add_argument("--pairs", type=int, default=5)
    args = parser.parse_args()
    try:
        import pyspiel
        from open_spiel.python.algorithms import cfr, exploitability
    except ImportError as error:
        sys.exit(f"{error}: install OpenSpiel first, e.g. `pip install open_spiel==2.0.2` in a virtual environment")
    if not args.palaestra.exists():
        sys.exit(f"{args.palaestra} is not there: build it with `cargo build --release -p palaestra`")
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    print(f"load average at the start {os.getloadavg()[0]:.2f}; one core", file=sys.stderr)
    taken = []
    for _ in range(args.pairs):
        own = ours(args.palaestra)
        slow, gap = python_cfr_plus(pyspiel, cfr, exploitability)
        fast, fast_gap = min(cpp_cfr_plus(pyspiel) for _ in range(5))
        for other in (gap, fast_gap):
            # The same algorithm ends at the same policy.
            assert abs(other - own["kuhn_cfr_plus"]["gap"]) < 1e-9, (other, own)
        taken.append((own, slow, fast))

    def middle(values):
        return sorted(values)[len(values) // 2]

    kuhn = middle([own["kuhn_cfr_plus"]["seconds"] for own, _, _ in taken])
    egpo = min(own["egpo"]["seconds"] for own, _, _ in taken)
    ranking = min(own["equilibrium_ranking"]["seconds"] for own, _, _ in taken)
    rows = []
    for peer, place, bound in [("OpenSpiel 2.0.2, Python", 1, 20), ("OpenSpiel 2.0.2, C++ called from Python", 2, 1)]:
        ratio = middle([entry[place] / entry[0]["kuhn_cfr_plus"]["seconds"] for entry in taken])
        theirs = middle([entry[place] for entry in taken])
        what = f"Kuhn poker, {ITERATIONS} iterations of CFR+: {peer}"
        rows.append((what, f"{1e3 * kuhn:.2f} ms against {1e3 * theirs:.2f} ms, ratio **{ratio:.1f}**", f"≥ {bound}", ratio >= bound))
    rows.append(("1,000 updates of EGPO on 1,000 games of 10 responses", f"{egpo:.2f} s", "< 1 s", egpo < 1))
    rows.append(("5,000 iterations of Equilibrium-Ranking on 8 candidates", f"{1e3 * ranking:.2f} ms", "< 5 ms", ranking < 5e-3))
    print("| what | value | bound | met |\n|---|---|---|---|")
    for what, value, bound, met in rows:
        print(f"| {what} | {value} | {bound} | {'yes' if met else '**no**'} |")


if __name__ == "__main__":
    main()
