"""Measures learning against JAX: S5 over sequences, PPO with memory, plain gradient steps. Standard library only.

    git clone https://github.com/luchris429/popjaxrl target/peers/popjaxrl
    git -C target/peers/popjaxrl checkout 12e5d42be3a6bde81cce4234f8be4e119e4318b6
    cargo build --release -p palaestra
    python3 tests/peers/sequence.py --palaestra target/release/palaestra --popjaxrl target/peers/popjaxrl

The first run creates a virtual environment under `target/peers`; that needs PyPI. Then both sides run in turn on the
same core (`--cores` for more), with as many threads as cores. Compiling is never counted. An update of PPO is measured
with a few epochs and with a few more, on both sides: what an epoch takes is the difference, and an update of 30 epochs is
the rest and 30 of these; `--epochs 1 30` measures all of them. `--clock processor` counts the processor's seconds instead
of the clock's, all threads together: use it where other programs run. Memory is the peak of the process; JAX's is counted from
the end of compiling. README.md beside this file tells what a number means.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from run import BUILD, ONE_THREAD, ROOT, PeerError, machine, say, table, virtual_environment

HERE = pathlib.Path(__file__).resolve().parent
PARTS = ["layer", "step", "plain", "ppo"]
# Name, activation of the JAX twin, least ratio of doubling to fused, least ratio of JAX to fused.
LAYERS = [
    ("s5_state_space", "none", "S5, its state-space model", None, None),
    ("s5_gelu", "gelu", "a layer of S5, gelu", 5.0, 1.5),
    ("s5_glu", "full_glu", "a layer of S5, gated (full GLU)", 5.0, 1.5),
]
PLAIN = [
    ("ppo_step", "ppo_mlp", "PPO step, perceptron 8-64-64, batch 2,048"),
    ("critic_step", "critic", "SAC critic step, two 23-256-256-1, batch 256"),
]
PUBLISHED_EPOCHS = 30


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--palaestra", type=pathlib.Path, default=ROOT / "target/release/palaestra")
    parser.add_argument("--popjaxrl", type=pathlib.Path, help="its checkout; without it PPO is measured alone")
    parser.add_argument("--only", default=",".join(PARTS), help="comma-separated subset of " + ", ".join(PARTS))
    parser.add_argument("--pairs", type=int, default=3, help="turns of each side for each number, but for ppo")
    parser.add_argument("--ppo-pairs", type=int, default=1, help="turns of each side for ppo")
    parser.add_argument("--repetitions", type=int, default=5, help="repetitions in one process, the best counts")
    parser.add_argument("--epochs", type=int, nargs=2, default=[1, 3], help="two numbers of epochs to measure PPO with")
    parser.add_argument("--rollout", type=int, default=1024, help="steps of a rollout of 64 rows")
    parser.add_argument("--cores", type=int, default=1, help="cores, and threads, of either side")
    parser.add_argument("--clock", choices=["wall", "processor"], default="wall", help="which seconds count")
    parser.add_argument("--output", type=pathlib.Path, help="also write all numbers to this JSON file")
    options = parser.parse_args()
    options.only = options.only.split(",")
    unknown = [part for part in options.only if part not in PARTS]
    if unknown:
        parser.error(f"unknown part: {unknown[0]}")
    if not 0 < options.epochs[0] < options.epochs[1]:
        parser.error("--epochs are two growing numbers")
    options.palaestra = options.palaestra.resolve()
    if not options.palaestra.is_file():
        parser.error(f"no program at {options.palaestra}")
    if options.popjaxrl and not (options.popjaxrl / "algorithms" / "ppo_s5.py").is_file():
        parser.error(f"no popjaxrl at {options.popjaxrl}; the top of this file tells how to get it")
    return options


def document(command, threads):
    """The JSON document that `command` prints, and what its process has used."""
    command = [str(word) for word in command]
    environment = {**os.environ, **ONE_THREAD, "RAYON_NUM_THREADS": str(threads)}
    # Compiling takes minutes; the next run finds it done.
    environment |= {"JAX_COMPILATION_CACHE_DIR": str(BUILD / "jax-cache")}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            last = err.read().decode().strip().splitlines()[-1:] or ["no output"]
            raise PeerError(f"`{' '.join(command)}` ended with {process.returncode}: {last[0]}")
        return json.loads(out.read()), usage


def milliseconds(seconds):
    return f"{1e3 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def verdict(ratio, bound, least):
    """Whether a bound is met, for a table."""
    if bound is None:
        return ["", ""]
    met = ratio >= bound if least else ratio <= bound
    return [f"{'≥' if least else '≤'} {bound:g}", "yes" if met else "**no**"]


class Bench:
    """Runs both sides and keeps every number."""

    def __init__(self, options, python):
        self.options, self.python, self.numbers = options, python, {}
        self.seconds = "processor_seconds" if options.clock == "processor" else "seconds"

    def ours(self, name):
        words = ["bench", "learning", "--only", name, "--repetitions", self.options.repetitions, "--json"]
        return document([self.options.palaestra, *words], self.options.cores)[0]["measured"][0][self.seconds]

    def jax(self, what, *words):
        command = [self.python, HERE / "sequence_jax.py", "--what", what, *words]
        return document([*command, "--repetitions", self.options.repetitions], self.options.cores)[0][self.seconds]

    def turns(self, name, *sides):
        """The medians of what the sides measure in turn."""
        taken = [[side() for side in sides] for _ in range(self.options.pairs)]
        self.numbers[name] = taken
        say(f"{name}: {', '.join(milliseconds(min(side)) for side in zip(*taken))}")
        return taken

    def layers(self):
        rows = []
        for name, activation, what, least_form, least_jax in LAYERS:
            sides = (
                lambda name=name: self.ours(f"{name}_doubling"),
                lambda name=name: self.ours(f"{name}_fused"),
                lambda activation=activation: self.jax("layer", "--activation", activation),
            )
            taken = self.turns(name, *sides)
            doubling, fused, jax = (min(side) for side in zip(*taken))
            by_form = statistics.median(turn[0] / turn[1] for turn in taken)
            by_jax = statistics.median(turn[2] / turn[1] for turn in taken)
            rows.append([f"{what}: doubling ÷ fused", milliseconds(doubling), milliseconds(fused), f"**{by_form:.2f}**",
                         *verdict(by_form, least_form, True)])  # fmt: skip
            rows.append([f"{what}: `associative_scan` ÷ fused", milliseconds(jax), milliseconds(fused),
                         f"**{by_jax:.2f}**", *verdict(by_jax, least_jax, True)])  # fmt: skip
        return rows

    def steps(self):
        taken = self.turns("s5_step", lambda: self.ours("s5_step"), lambda: self.ours("s5_step_products"))
        ratio = statistics.median(turn[0] / turn[1] for turn in taken)
        step, products = (min(side) for side in zip(*taken))
        return [["a step of S5 for 64 rows ÷ its matrix products", milliseconds(step), milliseconds(products),
                 f"**{ratio:.2f}**", *verdict(ratio, 1.2, False)]]  # fmt: skip

    def plain(self):
        rows = []
        for name, twin, what in PLAIN:
            taken = self.turns(name, lambda name=name: self.ours(name), lambda twin=twin: self.jax(twin))
            ratio = statistics.median(turn[0] / turn[1] for turn in taken)
            mine, theirs = (min(side) for side in zip(*taken))
            rows.append([f"{what}: Palaestra ÷ JAX", milliseconds(mine), milliseconds(theirs), f"**{ratio:.2f}**",
                         *verdict(ratio, 1.0, False)])  # fmt: skip
        return rows

    def our_update(self, core):
        """Seconds and memory of one update of `ppo`, everything but the core as published."""
        options = self.options
        taken, environments, memory = [], [], 0.0
        for epochs in options.epochs:
            agent = {"core": core, "epochs": epochs, "rollout": options.rollout, "parity": True}
            words = ["bench", "env", "repeat_previous-v0", "--rows", 64, "--steps", options.rollout, "--repetitions", 1]
            words += ["--args", '{"difficulty": "easy", "parity": true}', "--agent", "ppo", "--json"]
            words += ["--wrappers", '[{"kind": "previous_action", "flag_mode": "reference"}]']
            result, usage = document([options.palaestra, *words, "--agent-args", json.dumps(agent)], options.cores)
            split = result["split"][0]
            wall = split["acting_s"] + split["environment_s"] + split["observing_s"]
            # Of the whole process: making the network is charged to Palaestra.
            processor = usage.ru_utime + usage.ru_stime
            environments.append(split["environment_s"])
            taken.append(processor if options.clock == "processor" else wall)
            memory = max(memory, usage.ru_maxrss / 1024)
        few, many = options.epochs
        epoch = (taken[1] - taken[0]) / (many - few)
        # On either clock: it does not wait.
        environment = min(environments)
        return {"epoch_s": epoch, "rollout_s": taken[0] - few * epoch, "environment_s": environment, "peak_mb": memory}

    def their_update(self, core):
        words = ["--popjaxrl", self.options.popjaxrl.resolve(), "--core", core, "--steps", self.options.rollout]
        words += ["--epochs", *self.options.epochs, "--repetitions", 1]
        result = document([self.python, HERE / "sequence_jax.py", "--what", "popjaxrl", *words], self.options.cores)[0]
        prefix = "processor_" if self.options.clock == "processor" else ""
        return {"peak_mb": result["peak_mb"]} | {key: result[prefix + key] for key in ("epoch_s", "rollout_s")}

    def ppo(self):
        sides = {("palaestra", core): self.our_update for core in ("s5", "gru")}
        if self.options.popjaxrl:
            # Its GRU asks Flax for what newer versions have no more.
            sides[("popjaxrl", "s5")] = self.their_update
        results = {}
        for _ in range(self.options.ppo_pairs):
            for (who, core), update in sides.items():
                result = update(core)
                result["update_s"] = result["rollout_s"] + PUBLISHED_EPOCHS * result["epoch_s"]
                say(f"{who}, {core}: {result['update_s']:.0f} s an update")
                results.setdefault((who, core), []).append(result)
        self.numbers["ppo"] = [[*key, value] for key, value in results.items()]
        best = {key: min(value, key=lambda r: r["update_s"]) for key, value in results.items()}
        mine, gru = best["palaestra", "s5"], best["palaestra", "gru"]

        lines = []
        for (who, core), r in best.items():
            environment = f"{100 * r['environment_s'] / r['update_s']:.2f} %" if "environment_s" in r else "within the rollout"
            lines.append([who, core, f"{r['rollout_s']:.1f} s", f"{r['epoch_s']:.2f} s", f"{r['update_s']:.0f} s",
                          f"{100 * (1 - r['rollout_s'] / r['update_s']):.1f} %", environment, f"{r['peak_mb']:.0f} MB"])  # fmt: skip
        header = ["", "core", "rollout", "an epoch", f"update of {PUBLISHED_EPOCHS} epochs", "of it learning", "of it environment", "peak memory"]
        split = table(header, lines)

        rows = []
        if self.options.popjaxrl:
            theirs = best["popjaxrl", "s5"]
            rows += [self.update_row("PPO-S5 update, seconds: Palaestra ÷ popjaxrl", mine, theirs, "update_s", 0.8)]
            rows += [self.update_row("PPO-S5 update, peak MB: Palaestra ÷ popjaxrl", mine, theirs, "peak_mb", 1.0)]
        share = mine["environment_s"] / mine["update_s"]
        rows.append(["PPO-S5 update, share of the environment", f"{mine['environment_s']:.3g} s", f"{mine['update_s']:.0f} s",
                     f"**{100 * share:.2f} %**", "≤ 2 %", "yes" if share <= 0.02 else "**no**"])  # fmt: skip
        ratio = gru["update_s"] / mine["update_s"]
        rows.append(["PPO-GRU update ÷ PPO-S5 update", f"{gru['update_s']:.0f} s", f"{mine['update_s']:.0f} s",
                     f"**{ratio:.2f}**", *verdict(ratio, 3.0, True)])  # fmt: skip
        return rows, split

    def update_row(self, what, mine, theirs, key, bound):
        ratio = mine[key] / theirs[key]
        return [what, f"{mine[key]:.0f}", f"{theirs[key]:.0f}", f"**{ratio:.2f}**", *verdict(ratio, bound, False)]


def main():
    options = arguments()
    facts = machine()
    python = virtual_environment("requirements-sequence.txt")
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < options.cores:
        say(f"there are only {len(allowed)} cores")
        return 1
    os.sched_setaffinity(0, allowed[-options.cores :])
    bench = Bench(options, python)
    rows, split, failed = [], None, {}
    parts = {"layer": bench.layers, "step": bench.steps, "plain": bench.plain}
    for part in options.only:
        try:
            if part == "ppo":
                more, split = bench.ppo()
                rows += more
            else:
                rows += parts[part]()
        except PeerError as error:
            failed[part] = str(error)
    print(
        f"Machine: {facts['processor']}, {facts['cores']} cores, {options.cores} used, seconds of the {options.clock} clock; load average at the start "
        f"{facts['load_average_at_start']}; {facts['rustc']}; Python {facts['python']}.\n"
        f"Commit: {facts['commit']}.\nCommand: `{facts['command']}`.\n"
    )
    print(table(["what", "first", "second", "ratio", "bound", "met"], rows))
    if split:
        print(f"\nUpdates of PPO on RepeatPreviousEasy, 64 rows, rollouts of {options.rollout} steps; an epoch from the difference "
              f"between {options.epochs[0]} and {options.epochs[1]} epochs:\n\n{split}")  # fmt: skip
    for part, reason in failed.items():
        print(f"\nNot measured: {part} ({reason}).")
    if options.output:
        document_ = {"machine": facts, "numbers": bench.numbers, "not_measured": failed}
        options.output.write_text(json.dumps(document_, indent=2) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
