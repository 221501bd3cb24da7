"""Measures Palaestra against itself and against its own bounds, and prints a Markdown table. Standard library only.

    cargo build --release -p palaestra
    python3 tests/peers/own.py --palaestra target/release/palaestra

Everything is pinned to one core but the measurement of two shards. The cost of logging is measured twice: free to use
two cores, as a run is (the log has threads of its own), and with all threads pinned to one.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


CARTPOLE = """
schema = 1
experiment = { name = "cartpole", seeds = [0], total_env_steps = 4_000_000 }
env = { id = "cartpole-v1", num_envs = 64 }
agents = [{ id = "random" }]
"""


def bench(program, *words, cores=None):
    """The JSON document of one `palaestra bench env` in a process of its own."""
    command = [str(program), "bench", "env", *map(str, words), "--json"]
    pin = None if cores is None else lambda: os.sched_setaffinity(0, cores)
    return json.loads(subprocess.run(command, preexec_fn=pin, capture_output=True, check=True, text=True).stdout)


def run_seconds(program, episodes, cores, folder):
    """Wall seconds of a CartPole run with 64 rows on the given cores, with or without its episodes logged."""
    command = [
        str(program), "run", str(folder / "cartpole.toml"), "--threads", "1",
        "--out", str(folder / "run"), "--set", f"log.episodes={episodes}", "--set", "log.tensorboard=false",
    ]  # fmt: skip
    # Removing an earlier run is no part of this one, nor is writing it to disk.
    shutil.rmtree(folder / "run", ignore_errors=True)
    os.sync()
    started = time.perf_counter()
    subprocess.run(command, preexec_fn=lambda: os.sched_setaffinity(0, cores), capture_output=True, check=True)
    return time.perf_counter() - started


def best_ratio(first, second, pairs):
    """Measures both in turn; the medians of the first, the second and their ratio."""
    taken = [(first(), second()) for _ in range(pairs)]
    middle = lambda values: sorted(values)[len(values) // 2]  # noqa: E731
    return middle([a for a, _ in taken]), middle([b for _, b in taken]), middle([a / b for a, b in taken])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--palaestra", type=pathlib.Path, default=ROOT / "target/release/palaestra")
    parser.add_argument("--pairs", type=int, default=5, help="pairs of measurements for each ratio")
    options = parser.parse_args()
    program, core = options.palaestra.resolve(), sorted(os.sched_getaffinity(0))[-1]
    rate = lambda *words, cores=None: bench(program, *words, cores=cores or {core})["steps_per_second"]  # noqa: E731
    rows = []
    for size in (1024, 8192):
        rows.append((f"LSD bandit, N = 10, k = 1, table payoffs, {size} rows", "rounds/s/core",
                     rate("lsd_bandit-v1", "--rows", size, "--args", json.dumps({"preset": "depr10", "exact": True})),
                     5e6))  # fmt: skip
        rows.append((f"UCB1 on it, {size} rows", "agent-rounds/s/core",
                     rate("lsd_bandit-v1", "--rows", size, "--agent", "ucb1",
                          "--args", json.dumps({"preset": "depr10", "exact": True})), 1e6))  # fmt: skip
    print("| what | value | unit | bound | met |\n|---|---|---|---|---|")
    for what, unit, value, bound in rows:
        print(f"| {what} | {value / 1e6:.2f} M | {unit} | ≥ {bound / 1e6:.0f} M | {'yes' if value >= bound else 'NO'} |")
    both = set(sorted(os.sched_getaffinity(0))[-2:])
    two, one, ratio = best_ratio(
        lambda: rate("cartpole-v1", "--rows", 65536, "--shards", 2, cores=both),
        lambda: rate("cartpole-v1", "--rows", 65536),
        options.pairs,
    )
    print(f"| two shards against one, CartPole, 65,536 rows ({two / 1e6:.0f} M and {one / 1e6:.0f} M steps/s) "
          f"| {ratio:.2f} | × | ≥ 1.6 | {'yes' if ratio >= 1.6 else 'NO'} |")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "cartpole.toml").write_text(CARTPOLE)
        for where, cores in (("free on two cores", both), ("pinned to one core", {core})):
            logged, silent, ratio = best_ratio(
                lambda cores=cores: run_seconds(program, "all", cores, folder),
                lambda cores=cores: run_seconds(program, "none", cores, folder),
                options.pairs,
            )
            share = 100 * (1 - 1 / ratio)
            print(f"| logging all episodes, CartPole, 64 rows, 4 M steps, {where} "
                  f"({logged:.3f} s against {silent:.3f} s) "
                  f"| {share:.0f} | % of wall time | ≤ 30 | {'yes' if share <= 30 else 'NO'} |")  # fmt: skip


if __name__ == "__main__":
    main()
