"""Steps per second of one environment of POPGym's own Python, on one core; prints one JSON document.

    python tests/peers/popgym_env.py --env RepeatPreviousEasy --seconds 1

One environment in a plain loop, as POPGym is made to be run, without Gymnasium's wrappers around it, which would only
slow it down. Actions are drawn before the clock starts. An episode that has ended is reset within the time.
"""

import argparse
import importlib
import importlib.metadata
import json
import os
import sys
import time
import warnings

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

DRAWN = 512

# The script beside this one is called as the package is.
sys.path = [path for path in sys.path if os.path.abspath(path) != os.path.dirname(os.path.abspath(__file__))]


def repetition(env, actions, seconds):
    """Steps until `seconds` have passed; steps per second of wall time."""
    start = time.perf_counter()
    steps = 0
    while time.perf_counter() - start < seconds:
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()
        steps += len(actions)
    return steps / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", required=True, help="class within popgym.envs, such as RepeatPreviousEasy")
    parser.add_argument("--seconds", type=float, default=1.0, help="wall seconds of one repetition")
    parser.add_argument("--repetitions", type=int, default=3, help="timed repetitions; the best one counts")
    options = parser.parse_args()
    if options.repetitions < 1:
        parser.error("--repetitions is at least 1")
    warnings.simplefilter("ignore")
    env = getattr(importlib.import_module("popgym.envs"), options.env)()
    env.reset(seed=0)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(DRAWN)]
    repetition(env, actions, 0.2)
    rates = [repetition(env, actions, options.seconds) for _ in range(options.repetitions)]
    document = {
        "env": options.env,
        "version": importlib.metadata.version("popgym"),
        "steps_per_second": max(rates),
        "repetitions": rates,
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
