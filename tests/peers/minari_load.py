"""Loads a dataset that `palaestra export --format minari` wrote, with Minari itself, and describes it.

    palaestra export RUN --format minari --out datasets
    python tests/peers/minari_load.py datasets/NAME/TRIAL-v0

The path ends in the dataset's id, `[namespace/]name-vN`. The last line printed is `ok`; a dataset that Minari
refuses, an episode whose columns disagree in length or a value outside its space ends with an error.
"""

import argparse
import json
import os
import pathlib
import sys


def find_dataset(path):
    """Splits `path` into Minari's root folder and the dataset id below it.

    The folder holds `data/metadata.json`, whose `dataset_id` names it. Minari looks for that id under its root.
    """
    path = path.resolve()
    metadata = path / "data" / "metadata.json"
    if not metadata.is_file():
        sys.exit(f"error: {metadata} does not exist: is {path} an exported dataset?")
    dataset_id = json.loads(metadata.read_text()).get("dataset_id")
    if not dataset_id:
        sys.exit(f"error: {metadata} has no dataset_id")
    depth = len(pathlib.PurePosixPath(dataset_id).parts)
    if pathlib.PurePosixPath(*path.parts[-depth:]) != pathlib.PurePosixPath(dataset_id):
        sys.exit(f"error: the metadata calls the dataset {dataset_id!r}: move it to a path with that ending")
    return path.parents[depth - 1], dataset_id


def describe(value):
    """Type and shape of an episode field: arrays, or dictionaries and tuples of them."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {describe(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, tuple):
        return "(" + ", ".join(describe(entry) for entry in value) + ")"
    if hasattr(value, "dtype"):
        return f"{value.dtype}{list(value.shape)}"
    return f"{type(value).__name__}[{len(value)}]"


def at(value, step):
    """The field's value at one step, in the form that the space's `contains` expects."""
    if isinstance(value, dict):
        return {key: at(entry, step) for key, entry in value.items()}
    if isinstance(value, tuple):
        return tuple(at(entry, step) for entry in value)
    return value[step]


def length(value):
    """Number of steps in a field."""
    while isinstance(value, (dict, tuple)):
        value = next(iter(value.values())) if isinstance(value, dict) else value[0]
    return len(value)


def check(dataset, episode):
    """Stops the program when an episode contradicts itself or the dataset's spaces."""
    steps = len(episode.rewards)
    for name, got, wanted in (
        ("observations", length(episode.observations), steps + 1),
        ("actions", length(episode.actions), steps),
        ("terminations", len(episode.terminations), steps),
        ("truncations", len(episode.truncations), steps),
    ):
        if got != wanted:
            sys.exit(f"error: episode {episode.id} has {got} {name} for {steps} rewards, not {wanted}")
    for step in range(steps + 1):
        if not dataset.observation_space.contains(at(episode.observations, step)):
            sys.exit(f"error: observation {step} of episode {episode.id} is outside the observation space")
    for step in range(steps):
        if not dataset.action_space.contains(at(episode.actions, step)):
            sys.exit(f"error: action {step} of episode {episode.id} is outside the action space")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=pathlib.Path, help="the exported folder")
    root, dataset_id = find_dataset(parser.parse_args().dataset)
    # Read by Minari when it is asked for a dataset, so it is set before the import.
    os.environ["MINARI_DATASETS_PATH"] = str(root)

    import minari

    dataset = minari.load_dataset(dataset_id)
    print(f"minari {minari.__version__}, dataset {dataset_id}, format {dataset.storage.FORMAT}")
    print(f"episodes: {dataset.total_episodes}, steps: {dataset.total_steps}")
    print(f"observation space: {dataset.observation_space}")
    print(f"action space: {dataset.action_space}")
    steps = 0
    for index, episode in enumerate(dataset.iterate_episodes()):
        check(dataset, episode)
        steps += len(episode.rewards)
        if index == 0:
            print(f"first episode: id {episode.id}, return {float(sum(episode.rewards)):g}")
            for name in ("observations", "actions", "rewards", "terminations", "truncations"):
                print(f"  {name}: {describe(getattr(episode, name))}")
    if steps != dataset.total_steps:
        sys.exit(f"error: the metadata promise {dataset.total_steps} steps, the episodes hold {steps}")
    print("ok")


if __name__ == "__main__":
    main()
