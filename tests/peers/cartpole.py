"""CartPole-v1 steps per second of one Python peer, on one core; prints one JSON document.

    python tests/peers/cartpole.py --peer gymnasium --rows 8192 --seconds 1

Every step takes fresh fair actions for all rows and includes the peer's own automatic reset. How the
actions are drawn, and what each peer is asked to return, is told where it is done below.
"""

import argparse
import json
import os
import time
import warnings

# Before any import of numpy, JAX or envpool: one thread each, and no look for an accelerator.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

ENV_ID = "CartPole-v1"
SCAN_LENGTH = 64
CHECK_STEPS = 200


def coin_flips(rows, dtype):
    """A function that returns `rows` fresh fair actions: 8 of them from each random byte.

    This is the cheapest fair way found in NumPy (about 0.3 ns an action for large batches, against 3 ns of
    `Generator.integers`), so that the peer is charged next to nothing for its actions.
    """
    import numpy as np

    generator = np.random.Generator(np.random.SFC64(0))
    num_bytes = (rows + 7) // 8

    def sample():
        return np.unpackbits(np.frombuffer(generator.bytes(num_bytes), np.uint8), count=rows).astype(dtype, copy=False)

    return sample


def gymnasium_peer(rows):
    """Gymnasium's NumPy-vectorised CartPole; next-step autoreset, its default and cheapest mode."""
    from importlib.metadata import version

    import gymnasium
    import numpy as np

    env = gymnasium.make_vec(ENV_ID, num_envs=rows, vectorization_mode="vector_entry_point")
    env.reset(seed=0)
    sample = coin_flips(rows, np.int8)

    def step():
        env.step(sample())

    def episodes():
        ended = 0
        for _ in range(CHECK_STEPS):
            _, _, terminated, truncated, _ = env.step(sample())
            ended += int((terminated | truncated).sum())
        return ended

    return f"{version('gymnasium')} (numpy {np.__version__})", "vector_entry_point", rows, step, episodes


def envpool_peer(rows):
    """envpool's synchronous mode with one worker thread (on one core it beats its asynchronous mode)."""
    import envpool
    import numpy as np

    env = envpool.make(ENV_ID, env_type="gymnasium", num_envs=rows, num_threads=1, seed=0)
    env.reset()
    sample = coin_flips(rows, np.int32)

    def step():
        env.step(sample())

    def episodes():
        ended = 0
        for _ in range(CHECK_STEPS):
            _, _, terminated, truncated, _ = env.step(sample())
            ended += int((terminated | truncated).sum())
        return ended

    return envpool.__version__, "sync, one worker thread", rows, step, episodes


def gymnax_peer(rows):
    """gymnax: `vmap` over rows inside a jitted `scan` of 64 steps; one call takes 64 steps of every row.

    Observation, summed reward and count of ended episodes are carried from step to step and so computed
    at every step; they are not stacked over time, which would cost gymnax about a tenth. Actions are
    single bits of random bytes made inside the scan. The default generator (threefry) is the fastest of
    JAX's three on a CPU.
    """
    from importlib.metadata import version

    import gymnax
    import jax
    import jax.numpy as jnp

    env, params = gymnax.make(ENV_ID)
    vector_step = jax.vmap(env.step, in_axes=(0, 0, 0, None))

    def body(carry, _):
        key, _, state, rewards, ended = carry
        key, action_key, step_key = jax.random.split(key, 3)
        action = (jax.random.bits(action_key, (rows,), jnp.uint8) & 1).astype(jnp.int32)
        observation, state, reward, terminated, truncated, _ = vector_step(
            jax.random.split(step_key, rows), state, action, params
        )
        return (key, observation, state, rewards + reward, ended + (terminated | truncated)), None

    roll_out = jax.jit(lambda carry: jax.lax.scan(body, carry, None, SCAN_LENGTH)[0], donate_argnums=0)
    key = jax.random.key(0)
    observation, state = jax.vmap(env.reset, in_axes=(0, None))(jax.random.split(key, rows), params)
    # `+ 0` gives the state buffers of its own, which donation asks for.
    state = jax.tree.map(lambda leaf: leaf + 0, state)
    carry = [(key, observation, state, jnp.zeros(rows), jnp.zeros(rows, jnp.int32))]

    def step():
        carry[0] = jax.block_until_ready(roll_out(carry[0]))

    def episodes():
        calls = -(-CHECK_STEPS // SCAN_LENGTH)
        before = int(carry[0][4].sum())
        for _ in range(calls):
            step()
        return (int(carry[0][4].sum()) - before) * CHECK_STEPS / (calls * SCAN_LENGTH)

    versions = f"{version('gymnax')} (jax {jax.__version__})"
    return versions, f"jit, scan of {SCAN_LENGTH}", rows * SCAN_LENGTH, step, episodes


PEERS = {"gymnasium": gymnasium_peer, "gymnax": gymnax_peer, "envpool": envpool_peer}


def time_one(step, steps_per_call, seconds):
    """Calls `step` until `seconds` have passed; steps per second of wall time, summed over rows."""
    start = time.perf_counter()
    calls = 0
    while time.perf_counter() - start < seconds:
        step()
        calls += 1
    return calls * steps_per_call / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", choices=sorted(PEERS), required=True)
    parser.add_argument("--rows", type=int, default=1024, help="environments stepped together")
    parser.add_argument("--seconds", type=float, default=1.0, help="wall seconds of one repetition")
    parser.add_argument("--repetitions", type=int, default=5, help="timed repetitions; the best one counts")
    parser.add_argument("--warm-up", type=float, default=1.0, help="wall seconds stepped before, not timed")
    parser.add_argument("--cpu", type=int, help="core to be pinned to (default: the last one allowed)")
    options = parser.parse_args()
    if options.rows < 1 or options.repetitions < 1:
        parser.error("--rows and --repetitions are at least 1")
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0)) if options.cpu is None else options.cpu})
    warnings.simplefilter("ignore")

    version, form, steps_per_call, step, episodes = PEERS[options.peer](options.rows)
    step()  # compiles, where there is something to compile
    mean_episode_length = options.rows * CHECK_STEPS / max(episodes(), 1)
    time_one(step, steps_per_call, options.warm_up)
    repetitions = [time_one(step, steps_per_call, options.seconds) for _ in range(options.repetitions)]
    document = {
        "peer": options.peer,
        "version": version,
        "form": form,
        "rows": options.rows,
        "steps_per_second": max(repetitions),
        "repetitions": repetitions,
        "mean_episode_length": round(mean_episode_length, 2),
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
