"""One measurement of JAX for sequence.py; prints one JSON document.

    python tests/peers/sequence_jax.py --what layer --activation gelu

`--what popjaxrl` runs one update of that code as it is; the other things are written here in JAX's own idiom, in the
form found to be fastest on a processor. All is compiled before the clock starts, and each repetition ends with the
result read on the host.
"""

import argparse
import functools
import importlib.util
import json
import os
import pathlib
import sys
import time
import types

THREADS = len(os.sched_getaffinity(0))
# Before any import of JAX. With one core to itself XLA is told so: it would start a pool for all cores of the machine.
os.environ["JAX_PLATFORMS"] = "cpu"
if THREADS == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import flax.linen as nn  # noqa: E402
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import optax  # noqa: E402


def forget_peak():
    """Peak memory counts from here: compiling is over."""
    pathlib.Path("/proc/self/clear_refs").write_text("5")


def peak_megabytes():
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return None


def best(repetitions, work, calls=1):
    """Seconds of a call of `work`, the first repetition not counted: the fastest, and the mean of the processor's."""
    jax.block_until_ready(work())
    forget_peak()
    seconds, processor = [], time.process_time()
    for _ in range(repetitions):
        started = time.perf_counter()
        jax.block_until_ready(work())
        seconds.append((time.perf_counter() - started) / calls)
    processor = (time.process_time() - processor) / (repetitions * calls)
    return {"seconds": min(seconds), "repetitions": seconds, "processor_seconds": processor}


# S5 -----------------------------------------------------------------------------------------------------------------


def s5_parameters(key, state, width):
    """A layer with P = `state` and H = `width`: P/2 complex states are kept. The numbers do not matter to the clock."""
    keys = jax.random.split(key, 6)
    half, dense = state // 2, nn.initializers.lecun_normal()
    return {
        "re": -0.5 * jnp.ones(half),
        "im": jnp.pi * jnp.arange(half, dtype=jnp.float32),
        "b": dense(keys[0], (2, width, half)),
        "c": dense(keys[1], (2, half, width)),
        "d": jax.random.normal(keys[2], (width,)),
        "log_step": jax.random.uniform(keys[3], (half,), minval=jnp.log(1e-3), maxval=jnp.log(0.1)),
        "value": {"w": dense(keys[4], (width, width)), "b": jnp.zeros(width)},
        "gate": {"w": dense(keys[5], (width, width)), "b": jnp.zeros(width)},
    }


def compose(earlier, later):
    """x -> a x + b, one after the other. A reset is an a of zero, which is cheaper than an operator of its own."""
    (a1, b1), (a2, b2) = earlier, later
    return a2 * a1, a2 * b1 + b2


def s5_layer(p, u, resets, activation):
    """`u` [T, B, H], `resets` [T, B]; time leads, as `associative_scan` likes it."""
    eigenvalue = p["re"] + 1j * p["im"]
    transition = jnp.exp(eigenvalue * jnp.exp(p["log_step"]))
    b = (p["b"][0] + 1j * p["b"][1]) * ((transition - 1) / eigenvalue)
    a = transition * (1 - resets)[..., None]
    _, x = jax.lax.associative_scan(compose, (a, u @ b))
    y = 2 * (x @ (p["c"][0] + 1j * p["c"][1])).real + u * p["d"]
    if activation == "none":
        return y
    y = nn.gelu(y)
    if activation == "full_glu":
        y = (y @ p["value"]["w"] + p["value"]["b"]) * nn.sigmoid(y @ p["gate"]["w"] + p["gate"]["b"])
    return u + y


def layer(options):
    """Forward and backward of one layer, gradients of all parameters and of the input: 8 x 1,024 steps, P = H = 256."""
    keys = jax.random.split(jax.random.PRNGKey(0), 3)
    parameters = s5_parameters(keys[0], 256, 256)
    u = jax.random.normal(keys[1], (1024, 8, 256))
    resets = (jax.random.uniform(keys[2], (1024, 8)) < 0.01).astype(jnp.float32)
    loss = lambda p, u: s5_layer(p, u, resets, options.activation).sum()  # noqa: E731
    step = jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))
    return best(options.repetitions, lambda: step(parameters, u))


# Steps of plain learners --------------------------------------------------------------------------------------------


class Perceptron(nn.Module):
    widths: tuple
    function: callable

    @nn.compact
    def __call__(self, x):
        for width in self.widths[:-1]:
            x = self.function(nn.Dense(width)(x))
        return nn.Dense(self.widths[-1])(x)


class ActorCritic(nn.Module):
    """8-64-64, leaky ReLU, with a head for each."""

    @nn.compact
    def __call__(self, x):
        for _ in range(2):
            x = nn.leaky_relu(nn.Dense(64)(x))
        return nn.Dense(4)(x), nn.Dense(1)(x)[..., 0]


def learner(loss, optimiser, parameters, options):
    """Gradient, clipping and Adam, `--inner` times a repetition; the loss is read after each."""

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def step(parameters, state):
        value, gradient = jax.value_and_grad(loss)(parameters)
        updates, state = optimiser.update(gradient, state)
        return optax.apply_updates(parameters, updates), state, value

    held = [parameters, optimiser.init(parameters)]

    def work():
        for _ in range(options.inner):
            held[0], held[1], value = step(*held)
            value = float(value)
        return held

    return best(options.repetitions, work, options.inner)


def ppo_mlp(options):
    """PPO's clipped loss on 2,048 steps of 8 numbers and 4 actions."""
    n, network = 2048, ActorCritic()
    keys = jax.random.split(jax.random.PRNGKey(0), 6)
    x = jax.random.normal(keys[0], (n, 8))
    action = jax.random.randint(keys[1], (n,), 0, 4)
    advantage, target, old_value = (jax.random.normal(k, (n,)) for k in keys[2:5])
    parameters = network.init(keys[5], x)

    def evaluate(parameters):
        logits, value = network.apply(parameters, x)
        log_p = jax.nn.log_softmax(logits)
        entropy = -(jnp.exp(log_p) * log_p).sum(-1)
        return jnp.take_along_axis(log_p, action[:, None], 1)[:, 0], entropy, value

    old_log_prob = evaluate(parameters)[0]

    def loss(parameters):
        log_prob, entropy, value = evaluate(parameters)
        ratio = jnp.exp(log_prob - old_log_prob)
        gain = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        surrogate = jnp.minimum(ratio * gain, jnp.clip(ratio, 0.8, 1.2) * gain).mean()
        clipped = old_value + jnp.clip(value - old_value, -0.2, 0.2)
        error = jnp.maximum((value - target) ** 2, (clipped - target) ** 2).mean()
        return -surrogate + 0.5 * error - 0.01 * entropy.mean()

    optimiser = optax.chain(optax.clip_by_global_norm(0.5), optax.adam(3e-4, eps=1e-5))
    return learner(loss, optimiser, parameters, options)


def critic(options):
    """Two critics 23-256-256-1 of SAC, squared errors of 256 transitions."""
    keys = jax.random.split(jax.random.PRNGKey(0), 4)
    network = Perceptron((256, 256, 1), nn.relu)
    x, target = jax.random.normal(keys[0], (256, 23)), jax.random.normal(keys[1], (256, 1))
    parameters = [network.init(key, x) for key in keys[2:]]
    loss = lambda pair: sum(((network.apply(p, x) - target) ** 2).mean() for p in pair)  # noqa: E731
    return learner(loss, optax.adam(3e-4), parameters, options)


# popjaxrl -----------------------------------------------------------------------------------------------------------


def old_names():
    """Lets popjaxrl (written for jax 0.4.7) be imported today. None of this runs within an update.

    Names that JAX has dropped are given back. Of gymnax 0.0.6 only the modules that popjaxrl uses are run: its packages'
    own first lines import environments that no longer work. Reports go to no server.
    """
    jnp.DeviceArray = jax.Array
    jax.tree_map = jax.tree_util.tree_map
    found = importlib.util.find_spec("gymnax").submodule_search_locations[0]
    for name in ("gymnax", "gymnax.environments", "gymnax.wrappers"):
        package = types.ModuleType(name)
        package.__path__ = [str(pathlib.Path(found, *name.split(".")[1:]))]
        sys.modules[name] = package
    sys.modules["wandb"] = types.ModuleType("wandb")


def popjaxrl(options):
    """Whole updates of popjaxrl, its own hyper-parameters: its `train`, compiled as its script does, for one update."""
    old_names()
    sys.path.insert(0, str(options.popjaxrl))
    from algorithms import ppo_gru, ppo_s5
    from envs import make
    from envs.wrappers import AliasPrevActionV2

    environment, environment_parameters = make("RepeatPreviousEasy")
    make_train = {"s5": ppo_s5, "gru": ppo_gru}[options.core].make_train

    def seconds(updates, epochs):
        """Of one call, on the clock and of the processor."""
        config = {
            "LR": 5e-5,
            "NUM_ENVS": options.rows,
            "NUM_STEPS": options.steps,
            "TOTAL_TIMESTEPS": updates * options.rows * options.steps,
            "UPDATE_EPOCHS": epochs,
            "NUM_MINIBATCHES": 8,
            "GAMMA": 0.99,
            "GAE_LAMBDA": 1.0,
            "CLIP_EPS": 0.2,
            "ENT_COEF": 0.0,
            "VF_COEF": 1.0,
            "MAX_GRAD_NORM": 0.5,
            "ENV": AliasPrevActionV2(environment),
            "ENV_PARAMS": environment_parameters,
            "ANNEAL_LR": False,
            "DEBUG": False,
            "S5_D_MODEL": 256,
            "S5_SSM_SIZE": 256,
            "S5_N_LAYERS": 4,
            "S5_BLOCKS": 1,
            "S5_ACTIVATION": "full_glu",
            "S5_DO_NORM": False,
            "S5_PRENORM": False,
            "S5_DO_GTRXL_NORM": False,
        }
        key = jax.random.PRNGKey(42)
        compiled = jax.jit(make_train(config)).lower(key).compile()
        forget_peak()
        taken = []
        for _ in range(options.repetitions):
            started = time.perf_counter(), time.process_time()
            jax.block_until_ready(compiled(key))
            taken.append((time.perf_counter() - started[0], time.process_time() - started[1]))
        return min(taken)

    # `train` makes the network, too: without an update that is all it does.
    few, many = options.epochs
    making, short, long = seconds(0, 1), seconds(1, few), seconds(1, many)
    result = {}
    for prefix, making, short, long in zip(("", "processor_"), making, short, long):
        epoch = (long - short) / (many - few)
        result |= {prefix + "epoch_s": epoch, prefix + "rollout_s": short - few * epoch - making}
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    things = {"layer": layer, "ppo_mlp": ppo_mlp, "critic": critic, "popjaxrl": popjaxrl}
    parser.add_argument("--what", choices=list(things), required=True)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--inner", type=int, default=50, help="steps of a repetition, for ppo_mlp and critic")
    parser.add_argument("--activation", choices=["none", "gelu", "full_glu"], default="gelu", help="for layer")
    parser.add_argument("--popjaxrl", type=pathlib.Path, help="its checkout, for popjaxrl")
    parser.add_argument("--core", choices=["s5", "gru"], default="s5", help="for popjaxrl")
    parser.add_argument("--rows", type=int, default=64, help="for popjaxrl")
    parser.add_argument("--steps", type=int, default=1024, help="for popjaxrl")
    parser.add_argument("--epochs", type=int, nargs=2, default=[1, 3], help="two numbers of epochs, for popjaxrl")
    options = parser.parse_args()
    result = things[options.what](options)
    result |= {"what": options.what, "threads": THREADS, "peak_mb": peak_megabytes(), "jax": jax.__version__}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
