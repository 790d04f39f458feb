"""A server of our own on loopback that answers like an OpenAI-compatible address, or misbehaves as told."""

from __future__ import annotations

import base64
import io
import json
import re
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from PIL import Image

KEY = "sk-of-a-test-0123456789"


class Told:
    """What the server does with its next requests; `choose` names the option, by its class."""

    def __init__(self, choose: Callable[[np.ndarray, dict[str, str]], str]) -> None:
        self.choose = choose
        self.first: list[str] = []  # one a request; after them it answers
        self.always = ""
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.pictures: list[bytes] = []
        self.lock = threading.Lock()
        self.answered = 0
        self.delay = 0.0
        self.model = "tiny-vlm-2026-01-01"


def options(text: str) -> dict[str, str]:
    """Label to class, as the question lists them."""
    return dict(re.findall(r"(?m)^(\w+)\) (.+)$", text))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        pass

    def do_POST(self) -> None:
        told: Told = self.server.told  # type: ignore[attr-defined]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with told.lock:
            told.bodies.append(body)
            told.keys.append(self.headers.get("Authorization"))
            what = told.first.pop(0) if told.first else told.always
        time.sleep(told.delay)
        if self.path != "/v1/chat/completions":
            self._send(404, {"error": {"message": "no such path"}})
        elif what == "refuse":
            self._send(401, {"error": {"message": f"Incorrect API key provided: {KEY}"}})
        elif what.startswith("limit"):
            self._send(429, {"error": {"message": "slow down"}}, **{"Retry-After": what[6:] or "0"})
        elif what == "trouble":
            self._send(503, "<html>overloaded</html>", kind="text/html")
        elif what == "page":
            self._send(200, "<!DOCTYPE html><p>Welcome", kind="text/html")
        elif what == "elsewhere":
            self._send(302, "", Location="http://127.0.0.1:9/v1")
        elif what == "stall":
            time.sleep(2)
        elif what == "drip":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            for _ in range(20):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.1)
            self.close_connection = True
        elif what == "truncate":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "500")
            self.end_headers()
            self.wfile.write(b'{"choices": [{"mess')
            self.wfile.flush()
            self.close_connection = True
        elif what == "half":
            self._send(200, '{"choices": [{"mess')
        elif what == "nonsense":
            self._send(200, {"hello": "world"})
        elif what.startswith("unsupported"):
            message = f"Unsupported parameter: '{what[12:]}' is not supported with this model."
            self._send(400, {"error": {"message": message}})
        elif what == "filter":
            self._send(400, {"error": {"message": "blocked", "code": "content_filter"}})
        else:
            self._answer(told, body, what)

    def _answer(self, told: Told, body: dict[str, Any], what: str) -> None:
        picture, text = body["messages"][0]["content"]
        data = base64.b64decode(picture["image_url"]["url"].partition(",")[2])
        pixels = np.asarray(Image.open(io.BytesIO(data)))
        labels = {option: label for label, option in options(text["text"]).items()}
        written = what.removeprefix("say ") if what else told.choose(pixels, labels)
        message = {"role": "assistant", "content": written}
        with told.lock:
            told.pictures.append(data)
            told.answered += 1
        self._send(
            200,
            {
                "model": told.model,
                "choices": [{"message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 300, "completion_tokens": 2},
            },
        )

    def _send(self, status: int, body: Any, kind: str = "application/json", **headers: str) -> None:
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


class Server:
    """Runs for the length of a `with`; `told` says what it does, `address` where it is."""

    def __init__(self, choose: Callable[[np.ndarray, dict[str, str]], str]) -> None:
        self.told = Told(choose)

    def __enter__(self) -> Server:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.daemon_threads = True
        self.server.told = self.told  # type: ignore[attr-defined]
        self.address = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.server.server_close()
