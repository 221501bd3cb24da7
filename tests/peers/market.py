"""Measures Palaestra's order book against those of MarS and ABIDES on one stream of orders, and prints a Markdown table.

    cargo build --release -p palaestra
    target/peers/market/bin/python tests/peers/market.py --palaestra target/release/palaestra

Nothing is fetched. The peers are Python programs in repositories of their own, without a package on PyPI:

    git clone https://github.com/microsoft/MarS target/peers/MarS                                              (MIT)
    git clone https://github.com/jpmorganchase/abides-jpmc-public target/peers/abides-jpmc-public              (BSD-3)
    python3 -m venv target/peers/market
    target/peers/market/bin/pip install -r tests/peers/requirements-market.txt

Each program plays the 2,000 messages of tests/golden/market/stream_2000.csv again and again into a book that begins empty,
pinned to one core, in turn; its best repetition counts. Orders are made before the clock starts, so that only the books are
measured. MarS knows neither market orders nor cancellations of what is gone: a market order becomes a limit order at the
worst opposite price for what is there, and messages that cannot be followed are left out. ABIDES takes the stream as it is.
Each must make the 761 trades of the recording.
"""

import argparse
import csv
import json
import os
import pathlib
import subprocess
import sys
import time
import types

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / "target" / "peers"
STREAM = ROOT / "tests" / "golden" / "market" / "stream_2000.csv"
TRADES = 761
SYMBOL = "P"
# Ratio that Palaestra is meant to reach.
BOUND = 250.0


def stream():
    """The messages as dictionaries, numbers as integers."""
    with open(STREAM, newline="") as file:
        return [{key: value if key == "kind" else int(value) for key, value in row.items()} for row in csv.DictReader(file)]


def mars(checkout):
    """The number of messages, and a function that plays them once and returns (seconds, trades)."""
    sys.path.insert(0, str(checkout))
    import pandas as pd
    from mlib.core.limit_order import LimitOrder
    from mlib.core.orderbook import Orderbook

    def order(message, kind, price, size, cancel_type="None", cancel_id=-1):
        now = pd.Timestamp(message["time_ns"])
        return LimitOrder(now, kind, price, size, SYMBOL, 0, message["order_id"], cancel_type, cancel_id, "")

    # Played once to find out what a market order meets and which cancellations can be followed.
    book, live, orders = Orderbook(SYMBOL), {}, []
    for message in stream():
        size, side = message["size"], "B" if message["direction"] == 1 else "S"
        if message["kind"] in "XD":
            there = live.get(message["order_id"])
            if there is None or (message["kind"] == "X" and size > there[2]):
                continue
            size = there[2] if message["kind"] == "D" else size
            translated = order(message, "C", there[1], size, there[0], message["order_id"])
        elif message["kind"] == "M":
            opposite = book.asks if side == "B" else book.bids
            available = sum(level.volume for level in opposite)
            if available == 0:
                continue
            translated = order(message, side, opposite[-1].price, min(size, available))
        else:
            translated = order(message, side, message["price"], size)
            live[message["order_id"]] = [side, message["price"], size]
        orders.append(translated)
        for trade in book.update(translated).transactions:
            for order_id in trade.buy_id + trade.sell_id:
                if order_id in live:
                    live[order_id][2] -= trade.volume
                    if live[order_id][2] == 0:
                        del live[order_id]

    def play():
        book, trades = Orderbook(SYMBOL), []
        started = time.perf_counter()
        for order in orders:
            trades.append(book.update(order))
        seconds = time.perf_counter() - started
        return seconds, sum(trade.type in "BS" for info in trades for trade in info.transactions)

    return len(orders), play


def abides(checkout):
    """As `mars`."""
    sys.path[:0] = [str(checkout / "abides-core"), str(checkout / "abides-markets")]
    from abides_markets.order_book import OrderBook
    from abides_markets.orders import LimitOrder, MarketOrder, Side

    messages = stream()

    def play():
        owner = types.SimpleNamespace(
            mkt_open=0, current_time=0, book_logging=False, logEvent=lambda *_: None, send_message=lambda *_: None
        )
        book, live, calls = OrderBook(owner, SYMBOL), {}, []
        for message in messages:
            size, order_id = message["size"], message["order_id"]
            side = Side.BID if message["direction"] == 1 else Side.ASK
            if message["kind"] == "L":
                # Cents; the book leaves the order it is given as it is where it rests, and takes from a copy.
                price = message["price"] // 100
                order = LimitOrder(0, message["time_ns"], SYMBOL, size, side, price, order_id=order_id)
                live[order_id] = LimitOrder(0, message["time_ns"], SYMBOL, size, side, price, order_id=order_id)
                calls.append((book.handle_limit_order, (order,)))
            elif message["kind"] == "M":
                order = MarketOrder(0, message["time_ns"], SYMBOL, size, side, order_id=order_id)
                calls.append((book.handle_market_order, (order,)))
            elif order_id in live and message["kind"] == "D":
                calls.append((book.cancel_order, (live[order_id],)))
            elif order_id in live:
                calls.append((partial_cancel, (book, live[order_id], size)))
        started = time.perf_counter()
        for call, arguments in calls:
            call(*arguments)
        seconds = time.perf_counter() - started
        return seconds, sum(event["type"] == "EXEC" for event in book.history)

    def partial_cancel(book, order, size):
        # What is left of the order is the book's to know; a reduction by more than that is the sender's mistake.
        levels = book.bids if order.side.is_bid() else book.asks
        for level in levels:
            if level.price == order.limit_price:
                left = next((o.quantity for o, _ in level.visible_orders if o.order_id == order.order_id), 0)
                if left == size:
                    book.cancel_order(order)
                elif left > size:
                    order.quantity = left
                    book.partial_cancel_order(order, size)

    return len(messages), play


def measure_here(name, checkout, seconds):
    """Plays for some seconds; prints messages per second of the best repetition as JSON."""
    messages, play = {"MarS": mars, "ABIDES": abides}[name](checkout)
    best, until = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < until:
        elapsed, trades = play()
        if trades != TRADES:
            sys.exit(f"{name} made {trades} trades instead of {TRADES}")
        best = min(best, elapsed)
    print(json.dumps(messages / best))


def run(command):
    """Runs a command and returns the JSON document that it prints; ends the program if it fails."""
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"`{' '.join(map(str, command))}` failed:\n{result.stderr.strip()}\n\n{__doc__}")
    return json.loads(result.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--palaestra", type=pathlib.Path, default=ROOT / "target" / "release" / "palaestra")
    parser.add_argument("--mars", type=pathlib.Path, default=BUILD / "MarS", metavar="CHECKOUT")
    parser.add_argument("--abides", type=pathlib.Path, default=BUILD / "abides-jpmc-public", metavar="CHECKOUT")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement of a peer")
    parser.add_argument("--rounds", type=int, default=3, help="of measuring all, one after the other")
    parser.add_argument("--cpu", type=int, default=0, help="the core to pin to")
    parser.add_argument("--output", type=pathlib.Path, help="write all numbers to this JSON file")
    parser.add_argument("--measure", choices=["MarS", "ABIDES"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    checkouts = {"MarS": options.mars.resolve(), "ABIDES": options.abides.resolve()}
    if options.measure:
        measure_here(options.measure, checkouts[options.measure], options.seconds)
        return 0
    os.sched_setaffinity(0, {options.cpu})
    rates = {name: [] for name in ["Palaestra", *checkouts]}
    for _ in range(options.rounds):
        document = run([options.palaestra, "bench", "market", "--stream", STREAM, "--json"])
        if document["trades"] != TRADES:
            sys.exit(f"Palaestra made {document['trades']} trades instead of {TRADES}")
        rates["Palaestra"].append(document["messages_per_second"])
        for name, checkout in checkouts.items():
            command = [sys.executable, __file__, "--measure", name, "--seconds", options.seconds]
            rates[name].append(run([*command, f"--{name.lower()}", checkout]))
    best = {name: max(values) for name, values in rates.items()}
    print("| order book | messages/s | Palaestra is faster by | bound |\n| --- | ---: | ---: | ---: |")
    missed = False
    for name, rate in best.items():
        ratio = best["Palaestra"] / rate
        missed |= name != "Palaestra" and ratio < BOUND
        print(f"| {name} | {rate:,.0f} | " + ("| |" if name == "Palaestra" else f"{ratio:,.0f} | {BOUND:,.0f} |"))
    if options.output:
        options.output.write_text(json.dumps(rates, indent=1) + "\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
