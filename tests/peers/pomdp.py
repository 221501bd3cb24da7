"""Measures the solvers and planners of POMDPs against their bounds, and prints a Markdown table. Standard library only.

    cargo build --release -p palaestra
    python3 tests/peers/pomdp.py --palaestra target/release/palaestra

Everything is pinned to one core. Takes four minutes.
"""

import argparse
import json
import os
import subprocess

SEVEN_EIGHT = {
    "size": 7,
    "rocks": [[2, 0], [0, 1], [3, 1], [6, 3], [2, 4], [3, 4], [5, 5], [1, 6]],
    "start": [0, 3],
    "sensor": {"half_efficiency": 20.0},
}
# Of the agent `pomcp` for a decision, unless told otherwise.
SIMULATIONS = 1000


def document(program, *words):
    """The JSON document that `palaestra` prints, run on one core."""
    command = [program, *map(str, words), "--json"]
    core = {min(os.sched_getaffinity(0))}
    done = subprocess.run(
        command, preexec_fn=lambda: os.sched_setaffinity(0, core), capture_output=True, check=True, text=True
    )
    return json.loads(done.stdout)


def solve(program, *words):
    """What SARSOP finds."""
    return document(program, "solve", *words)["planners"][0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--palaestra", default="target/release/palaestra")
    program = parser.parse_args().palaestra
    seven_eight = ("--args", json.dumps(SEVEN_EIGHT))

    rows = []
    tiger = solve(program, "tiger-v1", "--precision", "1e-4")
    rows.append(("Tiger by SARSOP to a gap of 1e-4", f"{1e3 * tiger['seconds']:.1f} ms", "< 50 ms", tiger["seconds"] < 0.05))
    rocks = solve(program, "rock_sample-v1", "--precision", "1e-3")
    rows.append(("RockSample(4,4) by SARSOP to a gap of 1e-3", f"{rocks['seconds']:.3f} s", "< 2 s", rocks["seconds"] < 2))
    large = solve(program, "rock_sample-v1", *seven_eight, "--seconds", 120)
    rows.append(("RockSample(7,8), lower bound of SARSOP after 120 s", f"{large['lower']:.3f}", "≥ 20.9", large["lower"] >= 20.9))
    tag = solve(program, "tag-v1", "--seconds", 40)
    rows.append(("Tag, lower bound of SARSOP after 40 s", f"{tag['lower']:.3f}", "≥ −6.3", tag["lower"] >= -6.3))
    # A decision of POMCP is a step.
    bench = document(program, "bench", "env", "rock_sample-v1", *seven_eight, "--rows", 1, "--agent", "pomcp")
    rate = SIMULATIONS * bench["steps_per_second"]
    rows.append(("POMCP on RockSample(7,8)", f"{rate / 1e3:.0f} k simulations/s", "≥ 50 k/s", rate >= 50_000))

    print("| what | value | bound | met |\n|---|---|---|---|")
    for what, value, bound, met in rows:
        print(f"| {what} | {value} | {bound} | {'yes' if met else '**no**'} |".replace("| -", "| −"))


if __name__ == "__main__":
    main()
