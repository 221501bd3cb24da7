#!/usr/bin/env python3
"""Uniformly random actions of any space, masks included: the shortest program that can play everything.

It learns nothing, so it asks not to be shown the steps made (`"observe": false`). See docs/process-agents.md.
"""

import json
import random
import sys


def sample(space, mask=None):
    """A value of a space; `mask` has a flag for each choice of a space that is a single leaf."""

    def choose(n, flags):
        return rng.choice([i for i in range(n) if not flags or flags[i]])

    kind = space["type"]
    if kind == "Dict":
        return {name: sample(part) for name, part in space["subspaces"]}
    if kind == "Tuple":
        return [sample(part) for part in space["subspaces"]]
    if kind == "Discrete":
        return space["start"] + choose(space["n"], mask)
    if kind == "MultiDiscrete":
        ends = [sum(space["nvec"][: i + 1]) for i in range(len(space["nvec"]))]
        return [choose(n, mask and mask[end - n : end]) for n, end in zip(space["nvec"], ends)]
    if kind == "MultiBinary":
        allowed = [i for i in range(space["n"]) if not mask or mask[i]]
        ones = rng.sample(allowed, rng.randint(space["min_ones"], min(space["max_ones"], len(allowed))))
        return [int(i in ones) for i in range(space["n"])]
    if kind == "Text":
        length = rng.randint(space["min_length"], min(space["max_length"], space["min_length"] + 64))
        return "".join(rng.choices(space["charset"] or "abcdefghijklmnopqrstuvwxyz ", k=length))
    return [number(space["dtype"], float(low), float(high)) for low, high in zip(space["low"], space["high"])]


def number(dtype, low, high):
    if dtype == "uint8":
        return rng.randint(int(low), int(high))
    if low > float("-inf") and high < float("inf"):
        return rng.uniform(low, high)
    if low > float("-inf"):
        return low + rng.expovariate(1.0)
    return high - rng.expovariate(1.0) if high < float("inf") else rng.gauss(0.0, 1.0)


for line in sys.stdin.buffer:
    message = json.loads(line)
    if message["type"] == "hello":
        rng, space = random.Random(message["seed"]), message["action_space"]
        reply = {"type": "ready", "protocol": 1, "name": "random", "save": True, "observe": False}
        if message["protocol"] != 1:
            reply = {"type": "error", "message": "this agent speaks protocol 1 only"}
    elif message["type"] == "act":
        masks = message.get("action_masks") or [None] * len(message["rows"])
        reply = {"type": "actions", "actions": [sample(space, mask) for mask in masks]}
    elif message["type"] == "save":
        reply = {"type": "state", "state": rng.getstate()}
    elif message["type"] == "load":
        rng.setstate(tuple(tuple(part) if isinstance(part, list) else part for part in message["state"]))
        reply = {"type": "ok"}
    else:  # bye
        break
    print(json.dumps(reply, allow_nan=False), flush=True)
