"""Measures Palaestra's CartPole against its peers and prints Markdown tables. Standard library only.

    cargo build --release -p palaestra
    python3 tests/peers/run.py --palaestra target/release/palaestra

The first run creates two virtual environments and builds the Rust peers under `target/peers`; that needs
PyPI and crates.io. Then everything is pinned to one core, and Palaestra and each peer are measured in turn,
pair by pair, so that a ratio compares neighbours in time. README.md beside this file tells what each number
means.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / "target" / "peers"
ENV = "cartpole-v1"
# Ratio that Palaestra is meant to reach at the same number of rows.
BOUNDS = {"gymnasium": 10.0, "gymnax": 5.0, "envpool": 100.0, "thrust-rl": 4.0, "bevy-gym": 10.0}
PLAIN_LOOP, PLAIN_LOOP_BOUND = "plain structure-of-arrays loop", 0.7
FIRST_STEP_BOUND_SECONDS = 0.3
PYTHON_PEERS = {"gymnasium": "requirements.txt", "envpool": "requirements.txt", "gymnax": "requirements-gymnax.txt"}
RUST_PEERS = {"thrust-rl": "thrust_cartpole", "bevy-gym": "bevy_gym_cartpole"}
ONE_THREAD = {
    name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
}
TIMEOUT_SECONDS = 600


class PeerError(Exception):
    """A peer that cannot be installed, built or measured; the others go on."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def call(command):
    """Runs `command` to its end and returns its standard output; PeerError with its last words otherwise."""
    command = [str(word) for word in command]
    try:
        result = subprocess.run(
            command, env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerError(f"`{' '.join(command)}`: {error}") from error
    if result.returncode != 0:
        last = (result.stderr.strip() or result.stdout.strip()).splitlines()[-1:] or ["no output"]
        raise PeerError(f"`{' '.join(command)}` ended with {result.returncode}: {last[0]}")
    return result.stdout


def measure(command):
    """Runs `command`, which prints one JSON document with a positive `steps_per_second`."""
    output = call(command)
    try:
        document = json.loads(output)
        if not float(document["steps_per_second"]) > 0:
            raise ValueError("steps_per_second is not positive")
    except (KeyError, TypeError, ValueError) as error:
        raise PeerError(f"`{command[0]}` printed no measurement: {error!r}") from error
    return document


def virtual_environment(requirements):
    """The Python of a virtual environment that holds exactly `requirements`; made when it is missing or old."""
    home = BUILD / pathlib.Path(requirements).stem
    python, stamp = home / "bin" / "python", home / "installed.txt"
    wanted = (HERE / requirements).read_text()
    if not (python.exists() and stamp.exists() and stamp.read_text() == wanted):
        say(f"installing {requirements} into {home}")
        for command in (
            [sys.executable, "-m", "venv", "--clear", home],
            [python, "-m", "pip", "install", "--quiet", "--requirement", HERE / requirements],
        ):
            # No time-out and no capture: a download may be long, and pip explains itself.
            if subprocess.run([str(word) for word in command], stdout=sys.stderr).returncode != 0:
                raise PeerError(f"could not install {requirements}")
        stamp.write_text(wanted)
    return python


def rust_binary(package, jobs):
    """Builds `package` of the workspace in `rust/` (nothing to do when it is up to date)."""
    say(f"building {package}")
    command = ["cargo", "build", "--release", "--locked", "--manifest-path", HERE / "rust" / "Cargo.toml"]
    command += ["--target-dir", BUILD / "rust", "--package", package, "--jobs", jobs]
    try:
        failed = subprocess.run([str(word) for word in command], stdout=sys.stderr).returncode != 0
    except OSError as error:
        raise PeerError(f"cargo: {error}") from error
    if failed:
        raise PeerError(f"could not build {package}")
    return BUILD / "rust" / "release" / package


def prepare(peer, jobs):
    """The command that measures `peer`, without rows and durations."""
    if peer in PYTHON_PEERS:
        return [virtual_environment(PYTHON_PEERS[peer]), HERE / "cartpole.py", "--peer", peer]
    return [rust_binary(RUST_PEERS[peer], jobs)]


def first_step_seconds(palaestra, runs=10):
    """Wall seconds of whole processes that load, build one environment, take one step and end."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        call([palaestra, "bench", "env", ENV, "--rows", 1, "--steps", 1, "--json"])
        seconds.append(time.perf_counter() - start)
    return seconds


def command_output(*command):
    try:
        return call(command).strip()
    except PeerError:
        return "unknown"


def machine():
    """What a reader has to know to read the numbers: processor, cores, load, compiler, commit, command."""
    model = "unknown processor"
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    dirty = "" if command_output("git", "-C", ROOT, "status", "--porcelain") == "" else " with local changes"
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "load_average_at_start": round(os.getloadavg()[0], 2),
        "rustc": command_output("rustc", "--version"),
        "python": sys.version.split()[0],
        "commit": command_output("git", "-C", ROOT, "rev-parse", "HEAD") + dirty,
        "command": " ".join(["python3", *sys.argv]),
    }


def millions(value):
    return f"{value / 1e6:.2f} M"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def ratio_row(peer, version, rows, pairs, bound):
    """One table row from the pairs (palaestra, peer) of steps per second measured next to each other."""
    ratios = [ours / theirs for ours, theirs in pairs]
    median = statistics.median(ratios)
    return [
        peer,
        version,
        rows,
        millions(max(theirs for _, theirs in pairs)),
        millions(max(ours for ours, _ in pairs)),
        f"**{median:.2f}**",
        f"{min(ratios):.2f} to {max(ratios):.2f}",
        f"≥ {bound:g}",
        "yes" if median >= bound else "no",
    ]


def markdown(results):
    """The whole report as Markdown."""
    facts = results["machine"]
    parts = [
        f"Machine: {facts['processor']}, {facts['cores']} cores, one used; load average at the start "
        f"{facts['load_average_at_start']}; {facts['rustc']}; Python {facts['python']}.\n"
        f"Commit: {facts['commit']}.\nCommand: `{facts['command']}`."
    ]
    header = ["peer", "version", "rows", "peer steps/s", "palaestra steps/s", "ratio", "range", "bound", "met"]
    if results["pairs"]:
        rows = [ratio_row(*entry) for entry in results["pairs"]]
        parts.append(table(header, rows))
    best = results["best"]
    ours = max((value for entry in results["pairs"] for value, _ in entry[3]), default=None)
    rows = []
    for peer, (value, at_rows, form) in best.items():
        ratio = "" if ours is None else f"{ours / value:.2f}"
        rows.append([peer, form, at_rows, millions(value), ratio])
    against = "" if ours is None else f" (Palaestra's best: {millions(ours)})"
    if rows:
        parts.append(f"Each peer at its own best number of rows{against}:")
        parts.append(table(["peer", "form", "rows", "steps/s", "palaestra's best ÷ peer's best"], rows))
    if results["first_step_seconds"]:
        seconds = results["first_step_seconds"]
        parts.append(
            f"Process start to first step and exit, {len(seconds)} runs: median {statistics.median(seconds):.3f} s, "
            f"slowest {max(seconds):.3f} s (bound: < {FIRST_STEP_BOUND_SECONDS} s)."
        )
    for peer, reason in results["not_measured"].items():
        parts.append(f"Not measured: {peer} ({reason}).")
    return "\n\n".join(parts)


def whole_numbers(text):
    values = [int(word) for word in text.split(",") if word]
    if any(value < 1 for value in values):
        raise argparse.ArgumentTypeError("each number is at least 1")
    return values


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--palaestra", type=pathlib.Path, help="the built program; without it only peers are measured")
    parser.add_argument("--rows", type=whole_numbers, default=[1024, 8192, 65536], help="row counts to compare at")
    parser.add_argument("--own-rows", type=whole_numbers, default=[64, 256], help="more row counts, for peers alone")
    parser.add_argument("--peers", default=",".join(BOUNDS), help="comma-separated subset of " + ", ".join(BOUNDS))
    parser.add_argument("--pairs", type=int, default=3, help="pairs (palaestra, peer) a row count")
    parser.add_argument("--seconds", type=float, default=1.0, help="wall seconds of one repetition of a peer")
    parser.add_argument("--repetitions", type=int, default=3, help="repetitions of a peer in one process, best counts")
    parser.add_argument("--cpu", type=int, help="core to pin everything to (default: the last one allowed)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="parallel jobs of the Rust build")
    parser.add_argument("--output", type=pathlib.Path, help="also write all numbers to this JSON file")
    options = parser.parse_args()
    options.peers = [peer for peer in options.peers.split(",") if peer]
    unknown = [peer for peer in options.peers if peer not in BOUNDS]
    if unknown:
        parser.error(f"unknown peer: {unknown[0]}; known: {', '.join(BOUNDS)}")
    if options.pairs < 1 or options.repetitions < 1:
        parser.error("--pairs and --repetitions are at least 1")
    if options.palaestra:
        options.palaestra = options.palaestra.resolve()
        if not options.palaestra.is_file():
            parser.error(f"no program at {options.palaestra}")
    return options


def main():
    options = arguments()
    results = {"machine": machine(), "pairs": [], "best": {}, "first_step_seconds": [], "not_measured": {}}
    commands = {}
    for peer in options.peers:
        try:
            commands[peer] = prepare(peer, options.jobs)
        except PeerError as error:
            results["not_measured"][peer] = str(error)

    # Children inherit the pin. Builds and installs above may use all cores.
    if hasattr(os, "sched_setaffinity"):
        cpu = max(os.sched_getaffinity(0)) if options.cpu is None else options.cpu
        os.sched_setaffinity(0, {cpu})

    def measure_peer(peer, rows):
        durations = ["--seconds", options.seconds, "--repetitions", options.repetitions]
        document = measure([*commands[peer], "--rows", rows, *durations])
        value = float(document["steps_per_second"])
        if value > results["best"].get(peer, (0.0,))[0]:
            results["best"][peer] = (value, rows, document.get("form", ""))
        say(f"{peer}, {rows} rows: {millions(value)} steps/s")
        return value, document["version"]

    def measure_ours(rows, plain):
        document = measure([options.palaestra, "bench", "env", ENV, "--rows", rows, "--json"])
        value = float(document["steps_per_second"])
        if document.get("plain_loop_steps_per_second"):
            plain.append((value, float(document["plain_loop_steps_per_second"])))
        say(f"palaestra, {rows} rows: {millions(value)} steps/s")
        return value

    for rows in options.rows:
        plain = []
        for peer in [peer for peer in options.peers if peer in commands]:
            pairs, version = [], ""
            try:
                for i in range(options.pairs):
                    # The order changes from pair to pair, so that a drift of the machine cancels.
                    ours = measure_ours(rows, plain) if options.palaestra and i % 2 == 0 else None
                    theirs, version = measure_peer(peer, rows)
                    if options.palaestra:
                        pairs.append((measure_ours(rows, plain) if ours is None else ours, theirs))
            except PeerError as error:
                results["not_measured"][f"{peer} at {rows} rows"] = str(error)
            if pairs:
                results["pairs"].append((peer, version, rows, pairs, BOUNDS[peer]))
        if plain:
            results["pairs"].append((PLAIN_LOOP, "same kernel", rows, plain, PLAIN_LOOP_BOUND))
    for peer in list(commands):
        for rows in options.own_rows:
            try:
                measure_peer(peer, rows)
            except PeerError as error:
                results["not_measured"][f"{peer} at {rows} rows"] = str(error)
    if options.palaestra:
        try:
            results["first_step_seconds"] = first_step_seconds(options.palaestra)
        except PeerError as error:
            results["not_measured"]["time to the first step"] = str(error)

    print(markdown(results))
    if options.output:
        options.output.write_text(json.dumps(results, indent=2) + "\n")
    return 1 if results["not_measured"] else 0


if __name__ == "__main__":
    sys.exit(main())
