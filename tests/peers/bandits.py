"""Measures UCB1 on ten Bernoulli arms against pymab and SMPyBandits, and the planners against their bounds.

    cargo build --release -p palaestra
    python3 tests/peers/bandits.py --palaestra target/release/palaestra

Prints Markdown tables. The first run creates two virtual environments under `target/peers` (needs PyPI). Then
everything is pinned to one core, and Palaestra and each peer are measured in turn, pair by pair. README.md beside
this file tells what each number means. The orchestration uses the standard library only.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time

from run import PeerError, call, machine, markdown, measure, ratio_row, say, table, virtual_environment

ARMS = [0.05 + 0.1 * arm for arm in range(10)]
# Form, requirements, what it is, ratio that Palaestra is meant to reach.
PEERS = {
    "pymab-rust": ("requirements-bandits.txt", "pymab, compiled backend", 60.0),
    "pymab-python": ("requirements-bandits.txt", "pymab, Python backend", 60.0),
    "smpybandits": ("requirements-smpybandits.txt", "SMPyBandits, Evaluator", 1000.0),
}
# Nine arms whose caps give 10 choices in about 1e5 states.
EXACT = {
    "horizon": 1000,
    "arms": [
        {"family": "geo", "rested": 1 - 0.05 * arm, "base": 0.5 - 0.03 * arm, "deprivation": 0.4 + 0.05 * arm,
         "satiation": 0.9 - 0.03 * arm, "idle_cap": 5 + arm % 2, "played_cap": 2}
        for arm in range(9)
    ],
}  # fmt: skip


def worker(form, seconds):
    """Runs in the peer's own Python: prints the best of three repetitions as JSON."""
    run, rounds, version = {
        "pymab-rust": lambda: pymab_run("rust", 10_000, 20),
        "pymab-python": lambda: pymab_run("python", 5_000, 1),
        "smpybandits": lambda: smpybandits_run(5_000, 2),
    }[form]()
    run()
    best = 0.0
    for _ in range(3):
        done, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds:
            run()
            done += rounds
        best = max(best, done / (time.perf_counter() - started))
    print(json.dumps({"steps_per_second": best, "version": version}))


def pymab_run(backend, horizon, replicates):
    import numpy as np
    import pymab
    from pymab.policies import UCBPolicy

    environment = pymab.BanditEnvironment(means=np.array(ARMS), reward_model=pymab.BernoulliReward())
    config = pymab.ExperimentConfig(horizon=horizon, n_replicates=replicates, seed=1, backend=backend)
    policies = {"ucb1": UCBPolicy(n_arms=len(ARMS))}
    experiment = pymab.Experiment(environment=environment, policies=policies, config=config)
    return experiment.run, horizon * replicates, pymab.__version__


def quiet(work):
    """SMPyBandits prints all the time; what it prints is thrown away."""
    import contextlib

    with open(os.devnull, "w") as sink, contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
        return work()


def smpybandits_run(horizon, repetitions):
    os.environ["MPLBACKEND"] = "Agg"

    def build():
        from SMPyBandits.Arms import Bernoulli
        from SMPyBandits.Environment import Evaluator
        from SMPyBandits.Policies import UCB

        return Evaluator({
            "horizon": horizon, "repetitions": repetitions, "n_jobs": 1, "verbosity": 0,
            "random_shuffle": False, "random_invert": False, "nb_break_points": 0,
            "environment": [{"arm_type": Bernoulli, "params": ARMS}],
            "policies": [{"archtype": UCB, "params": {}}],
        })  # fmt: skip

    built = quiet(build)
    return lambda: quiet(built.startAllEnv), horizon * repetitions, "0.9.7"


def planner_rows(program, repetitions):
    """Rows (what, seconds, bound in seconds) from the documents of `palaestra solve`."""

    def solve(instance, *words):
        return json.loads(call([program, "solve", instance, "--json", *words]))

    def of_planner(document, label):
        found = next(p for p in document["planners"] if p["label"] == label)
        if "plan" not in found:
            raise PeerError(f"{label}: {found['refused']}")
        return found["seconds"]

    def median(seconds):
        return statistics.median(seconds() for _ in range(repetitions))

    rows = []
    seconds = median(lambda: solve("big1000_10", "--planner", "greedy")["relaxation"]["seconds"])
    rows.append(("relaxation by hulls, N = 1000, D = 64, C = 16", seconds, 0.2))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "exact.json"
        path.write_text(json.dumps(EXACT))
        found = solve(path, "--planner", "exact")["optimum"]
        size = f"{found['states']:,} states × {found['choices']} choices"
        seconds = median(lambda: of_planner(solve(path, "--planner", "exact"), "exact"))
        rows.append((f"exact optimum, {size}", seconds, 5.0))
    seconds = median(lambda: of_planner(solve("big200_10", "--planner", "best"), "best"))
    rows.append(("portfolio (`best`) on big200_10", seconds, 10.0))
    return rows


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--palaestra", type=pathlib.Path, help="the built program")
    parser.add_argument("--pairs", type=int, default=3, help="pairs (palaestra, peer), and repetitions of a planner")
    parser.add_argument("--seconds", type=float, default=1.0, help="wall seconds of one repetition of a peer")
    parser.add_argument("--rows", type=int, default=1024, help="bandits that Palaestra steps together")
    parser.add_argument("--cpu", type=int, help="core to pin everything to (default: the last one allowed)")
    parser.add_argument("--output", type=pathlib.Path, help="also write all numbers to this JSON file")
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer is None:
        if options.palaestra is None or not options.palaestra.is_file():
            parser.error("--palaestra FILE is needed: the built program")
        if options.pairs < 1:
            parser.error("--pairs is at least 1")
        options.palaestra = options.palaestra.resolve()
    return options


def main():
    options = arguments()
    if options.peer:
        return worker(options.peer, options.seconds)
    results = {"machine": machine(), "pairs": [], "best": {}, "first_step_seconds": [], "not_measured": {}}
    pythons = {}
    for peer, (requirements, _, _) in PEERS.items():
        try:
            pythons[peer] = virtual_environment(requirements)
        except PeerError as error:
            results["not_measured"][peer] = str(error)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0)) if options.cpu is None else options.cpu})

    instance = {"horizon": 10_000, "exact": True, "arms": [{"family": "constant", "mean": mean} for mean in ARMS]}
    ours = [options.palaestra, "bench", "env", "lsd_bandit-v1", "--agent", "ucb1", "--rows", options.rows, "--json"]
    ours += ["--args", json.dumps({"instance": instance})]
    script = pathlib.Path(__file__).resolve()
    for peer, python in pythons.items():
        _, name, bound = PEERS[peer]
        pairs = []
        try:
            for i in range(options.pairs):
                theirs_command = [python, script, "--peer", peer, "--seconds", options.seconds]
                # The order changes from pair to pair, so that a drift of the machine cancels.
                first, second = (ours, theirs_command) if i % 2 == 0 else (theirs_command, ours)
                documents = [measure(first), measure(second)]
                mine, theirs = documents if i % 2 == 0 else documents[::-1]
                pairs.append((mine["steps_per_second"], theirs["steps_per_second"]))
                say(f"{name}: {pairs[-1][1] / 1e3:.1f} k rounds/s, palaestra {pairs[-1][0] / 1e6:.2f} M")
            results["pairs"].append((name, theirs["version"], 1, pairs, bound))
        except PeerError as error:
            results["not_measured"][peer] = str(error)

    planners = []
    try:
        planners = planner_rows(options.palaestra, options.pairs)
    except PeerError as error:
        results["not_measured"]["planners"] = str(error)
    print(report(results, planners))
    if options.output:
        options.output.write_text(json.dumps({**results, "planners": planners}, indent=2) + "\n")
    return 1 if results["not_measured"] else 0


def report(results, planners):
    """The tables as Markdown; heads and notes are those of the CartPole comparison."""
    header = ["peer", "version", "peer rounds/s", "palaestra rounds/s", "ratio", "range", "bound", "met"]
    rows = []
    for entry in results["pairs"]:
        row = ratio_row(*entry)
        theirs = max(value for _, value in entry[3])
        rows.append([row[0], row[1], f"{theirs / 1e3:.1f} k", *row[4:]])
    parts = [markdown({**results, "pairs": []}), table(header, rows)]
    if planners:
        cells = [[what, f"{s:.3f} s", f"< {b:g} s", "yes" if s < b else "no"] for what, s, b in planners]
        parts.append(table(["planner", "time", "bound", "met"], cells))
    return "\n\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
