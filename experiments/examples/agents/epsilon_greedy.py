#!/usr/bin/env python3
"""Epsilon-greedy: a complete learner for bandits that plays in Palaestra from a process of its own.

It needs Python's standard library only. Copy it, then change `act` and `observe`. In a config:

    [[agents]]
    id = "process"
    args = { command = ["python3", "experiments/examples/agents/epsilon_greedy.py"], options = { epsilon = 0.1 } }

The messages are described in docs/process-agents.md. One rule to remember: stdout belongs to the protocol;
print to stderr instead, it ends up in Palaestra's log.
"""

import json
import random
import sys


class EpsilonGreedy:
    def __init__(self, hello):
        space = hello["action_space"]
        if hello["protocol"] != 1 or space["type"] != "Discrete":
            raise ValueError("this agent speaks protocol 1 and needs a Discrete action space")
        self.arms, self.first = space["n"], space["start"]
        self.epsilon = (hello["options"] or {}).get("epsilon", 0.1)
        self.rng = random.Random(hello["seed"])
        # Each player learns in each row for itself: pulls and mean reward of every arm, and the arm pulled last.
        self.seats = {
            player: [self.fresh_seat() for _ in range(hello["num_envs"])] for player in hello["players"]
        }

    def fresh_seat(self):
        return {"pulls": [0] * self.arms, "means": [0.0] * self.arms, "last": None}

    def act(self, message):
        masks = message.get("action_masks") or [[1] * self.arms] * len(message["rows"])
        actions = []
        for row, mask, elapsed in zip(message["rows"], masks, message["elapsed"]):
            if elapsed == 0:
                self.seats[message["player"]][row] = self.fresh_seat()  # a new episode is a new problem
            seat = self.seats[message["player"]][row]
            allowed = [arm for arm in range(self.arms) if mask[arm]]
            untried = [arm for arm in allowed if seat["pulls"][arm] == 0]
            if untried:
                arm = untried[0]
            elif self.rng.random() < self.epsilon:
                arm = self.rng.choice(allowed)
            else:
                arm = max(allowed, key=lambda arm: seat["means"][arm])
            seat["last"] = arm
            actions.append(self.first + arm)
        return {"type": "actions", "actions": actions}

    def observe(self, message):
        for row, reward in zip(message["rows"], message["rewards"]):
            seat = self.seats[message["player"]][row]
            arm = seat["last"]
            if arm is not None:
                seat["pulls"][arm] += 1
                seat["means"][arm] += (float(reward) - seat["means"][arm]) / seat["pulls"][arm]
        return {"type": "ok"}

    def save(self, message):
        return {"type": "state", "state": {"rng": self.rng.getstate(), "seats": self.seats}}

    def load(self, message):
        version, words, gauss = message["state"]["rng"]
        self.rng.setstate((version, tuple(words), gauss))
        self.seats = message["state"]["seats"]
        return {"type": "ok"}


def main():
    agent = None
    for line in sys.stdin.buffer:  # one message a line
        message = json.loads(line)
        try:
            if message["type"] == "bye":
                return
            if message["type"] == "hello":
                agent = EpsilonGreedy(message)
                reply = {"type": "ready", "protocol": 1, "name": "epsilon-greedy", "save": True}
            else:
                reply = getattr(agent, message["type"])(message)
        except ValueError as problem:
            reply = {"type": "error", "message": str(problem)}
        print(json.dumps(reply, allow_nan=False), flush=True)


if __name__ == "__main__":
    main()
