"""A real service on this machine in the OpenAI form: the two-layer model answers over HTTP.

Faults are set beforehand: `faults` maps the number of a request (from 0) to what happens instead.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

from mores.records import Decoding
from mores.sample.decoder import Decoder
from mores.sample.requests import Request
from mores.sample.weights import arm_in_place
from mores.study.arms import ArmKey
from mores.weights.likelihood import Encoded, likelihoods
from mores.weights.load import load
from mores.weights.prompt import decode
from mores.weights.resolve import ResolvedModel

KEY = "sk-secret-0123"


class Service:
    """The model with its arms under the names of the arms."""

    def __init__(self, resolved: ResolvedModel, tuned: Mapping[str, Path], port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/v1"
        self.loaded = load(resolved)
        self.base, self.tuned = resolved.name, dict(tuned)
        self.alive = threading.Lock()
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.under_way = self.most_under_way = 0
        self.faults: dict[int, Callable[[dict[str, Any]], Any]] = {}
        self.always: Callable[[dict[str, Any]], Any] | None = None
        """Changes every answer."""
        self.slow = 0.0
        self.numbers = count()

    @property
    def answers(self) -> list[dict[str, Any]]:
        """Requests without those that look for log-probabilities."""
        return [a for a in self.asked if not a.get("echo")]

    def reply(self, path: str, asked: dict[str, Any]) -> Any:
        """(status, headers, body) of a request."""
        with self.alive:
            number = len(self.answers)
            self.asked.append(asked)
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            time.sleep(self.slow)
            fault = None if asked.get("echo") else self.faults.get(number)
            if fault is not None:
                return fault(asked)
            body = self.answer(path, asked)
            return self.always(body) if self.always else (200, {}, body)
        finally:
            with self.alive:
                self.under_way -= 1

    def answer(self, path: str, asked: dict[str, Any]) -> dict[str, Any]:
        tokenizer = self.loaded.tokenizer
        chat = path.endswith("/chat/completions")
        if chat:
            text = tokenizer.apply_chat_template(
                asked["messages"], tokenize=False, add_generation_prompt=True
            )
            ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        else:
            ids = asked["prompt"]
        name = "base" if asked["model"] == self.base else asked["model"]
        decoding = Decoding(temperature=asked["temperature"], max_new_tokens=asked["max_tokens"])
        key = ArmKey("base", 0) if name == "base" else _key(name)
        request = Request(key, f"seed-{asked.get('seed')}", "c", 0, tuple(ids))
        with self.alive, arm_in_place(self.loaded, self.tuned, name):
            (drawn,) = Decoder(self.loaded).draw([request], decoding, 0)
            logprobs = self._logprobs(ids) if asked.get("echo") else None
        choice = {
            "index": 0,
            "finish_reason": "stop" if drawn.finish_reason == "stop" else "length",
            **(
                {"message": {"role": "assistant", "content": decode(tokenizer, drawn.ids)}}
                if chat
                else {"text": decode(tokenizer, drawn.ids)}
            ),
            **({"logprobs": {"token_logprobs": logprobs}} if logprobs else {}),
        }
        return {
            "id": f"cmpl-{next(self.numbers)}",
            "object": "chat.completion" if chat else "text_completion",
            "model": asked["model"],
            "choices": [choice],
            "usage": {
                "prompt_tokens": len(ids),
                "completion_tokens": len(drawn.ids) + (drawn.finish_reason == "stop"),
            },
        }

    def _logprobs(self, ids: list[int]) -> list[float | None]:
        rows = [Encoded(tuple(ids[:i]), ((ids[i],),)) for i in range(1, len(ids))]
        return [None, *(one.logprobs[0] for one in likelihoods(self.loaded, rows)), -1.0]


def _key(name: str) -> ArmKey:
    arm, _, seed = name.rpartition("-s")
    return ArmKey(arm, int(seed))  # type: ignore[arg-type]


@contextmanager
def serve(resolved: ResolvedModel, tuned: Mapping[str, Path]) -> Iterator[Service]:
    """Serve a model for the time of a block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            service.keys.append(self.headers.get("Authorization", ""))
            status, headers, answer = service.reply(self.path, body)
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        service = Service(resolved, tuned, server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()
