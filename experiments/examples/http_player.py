"""A player of GLEE's HTTP protocol, in nothing but Python's library: start it, then let the agent `http` play.

    python3 http_player.py 5000

The game sends POST /chat with `messages`, `decision` and `game_params`, the settings that this seat knows; what goes back
is {"response": "..."} with a JSON object in the text. This player divides evenly, asks for its own value and a tenth,
recommends everything, and takes one offer in two.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def answer(messages, decision, game):
    """The move, as the object that the game wants."""
    first_seat = game["player_id"] == 1
    if "money_to_divide" in game:
        if decision:
            return {"decision": "accept" if len(messages) > 4 else "reject"}
        half = game["money_to_divide"] / 2
        return with_message(game, {"alice_gain": half, "bob_gain": game["money_to_divide"] - half})
    if "product_price_order" in game:
        own = game["seller_value" if first_seat else "buyer_value"]
        if decision:
            return {"decision": "AcceptOffer" if len(messages) > 4 else "RejectOffer"}
        price = own * (1.1 if first_seat else 0.9) * game["product_price_order"]
        return with_message(game, {"product_price": f"${price:,.2f}"})
    if first_seat and game["seller_message_type"] == "text":
        return {"message": "You will like it."}
    return {"decision": "yes" if first_seat or len(messages[-1]["content"]) % 2 else "no"}


def with_message(game, move):
    if game["messages_allowed"]:
        move["message"] = "That is fair."
    return move


class Player(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != "/chat":
            self.send_error(404)
            return
        request = json.loads(body)
        move = answer(request["messages"], request["decision"], request["game_params"])
        reply = json.dumps({"response": "My move: " + json.dumps(move)}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Player)
    print(f"listening on port {server.server_port}", flush=True)
    server.serve_forever()
