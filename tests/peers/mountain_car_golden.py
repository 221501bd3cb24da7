"""Writes golden trajectories of Gymnasium's MountainCar-v0 as JSON.

    python tests/peers/mountain_car_golden.py tests/golden/control/mountaincar_v0.json

The environment is stepped without its time limit, from states set by hand. States are kept as the float64
pair that the environment holds inside; the observation is that pair rounded to float32.
"""

import argparse
import json
import pathlib
import platform

import gymnasium
import numpy as np

LEFT, COAST, RIGHT = 0, 1, 2


def roll_out(name, initial_state, policy, max_steps):
    """One trajectory: `policy(step, state)` acts until the goal or for `max_steps` steps."""
    env = gymnasium.make("MountainCar-v0").unwrapped
    env.reset(seed=0)
    env.state = tuple(initial_state)
    trajectory = {
        "name": name,
        "initial_state": list(initial_state),
        "actions": [],
        "next_states": [],
        "observations_f32": [],
        "rewards": [],
        "terminated": [],
    }
    for step in range(max_steps):
        action = int(policy(step, env.state))
        observation, reward, terminated, truncated, _ = env.step(action)
        assert observation.dtype == np.float32 and not truncated
        trajectory["actions"].append(action)
        trajectory["next_states"].append([float(value) for value in env.state])
        trajectory["observations_f32"].append([float(value) for value in observation])
        trajectory["rewards"].append(float(reward))
        trajectory["terminated"].append(bool(terminated))
        if terminated:
            break
    return trajectory


def trajectories():
    """Each shows one rule: rest, a push that is too weak, the wall, noise, the goal, the speed limit."""
    random_actions = np.random.default_rng(3).integers(0, 3, size=50)
    pump = lambda _, state: RIGHT if state[1] >= 0 else LEFT  # push the way it already moves
    return [
        roll_out("coast", (-0.5, 0.0), lambda *_: COAST, 50),
        roll_out("always_right", (-0.5, 0.0), lambda *_: RIGHT, 50),
        roll_out("always_left_wall", (-0.9, -0.04), lambda *_: LEFT, 50),
        roll_out("random", (-0.45, 0.0), lambda step, _: random_actions[step], 50),
        roll_out("pump_to_goal", (-0.5, 0.0), pump, 200),
        roll_out("speed_limit", (-0.8, 0.068), lambda *_: RIGHT, 50),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=pathlib.Path, help="the JSON file to write")
    output = parser.parse_args().output
    env = gymnasium.make("MountainCar-v0").unwrapped
    document = {
        "env": "MountainCar-v0",
        "versions": {
            "gymnasium": gymnasium.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "state": ["position", "velocity"],
        "params": {
            "force": env.force,
            "gravity": env.gravity,
            "min_pos": env.min_position,
            "max_pos": env.max_position,
            "max_speed": env.max_speed,
            "goal_pos": env.goal_position,
            "goal_vel": float(env.goal_velocity),
        },
        "note": "next_states are float64 internal states after each step; actions 0, 1, 2 push left, not, right; "
        "reward is -1 on every step including the terminating one; trajectories stop at termination",
        "trajectories": trajectories(),
    }
    text = json.dumps(document, separators=(",", ":"))
    output.write_text(text + "\n")


if __name__ == "__main__":
    main()
