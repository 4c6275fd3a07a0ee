"""A chat server for tests, on a loopback port of its own; it does exactly what a test says.

A behaviour is a function of one `Call`: it looks at what was asked and writes the answer.
"""

import json
import threading
from collections.abc import Callable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Call:
    """One POST /v1/chat/completions, and the way to answer it."""

    def __init__(self, handler: "_Handler", body: dict, stopping: threading.Event) -> None:
        self.body = body
        self.headers = dict(handler.headers)
        self.stopping = stopping
        self._handler = handler
        self._is_chunked = False

    def json(self, status: int, value, **headers: str) -> None:
        text = json.dumps(value)
        self.answer(status, text.encode("utf-8"), "application/json", **headers)

    def answer(self, status: int, body: bytes, kind: str, **headers: str) -> None:
        self._handler.send_response(status)
        self._handler.send_header("Content-Type", kind)
        self._handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self._handler.send_header(name.replace("_", "-"), value)
        self._handler.end_headers()
        self._handler.wfile.write(body)

    def begin(self, kind: str = "text/event-stream") -> None:
        """Start a streamed answer; `end` must follow unless the stream is to be cut off."""
        self._handler.send_response(200)
        self._handler.send_header("Content-Type", kind)
        self._handler.send_header("Transfer-Encoding", "chunked")
        self._handler.end_headers()
        self._is_chunked = True

    def raw(self, data: bytes) -> None:
        self._handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self._handler.wfile.flush()

    def event(self, value) -> None:
        self.raw(b"data: " + json.dumps(value).encode("utf-8") + b"\n\n")

    def say(self, text: str | None, **choice) -> None:
        """One chunk with a piece of the reply."""
        self.event({"choices": [{"index": 0, "delta": {"content": text}, **choice}]})

    def finish(self, reason: str = "stop", usage: dict | None = None, **choice) -> None:
        """The ending, the counts if there are any, and `[DONE]`."""
        self.say(None, finish_reason=reason, **choice)
        if usage is not None:
            self.event({"choices": [], "usage": usage})
        self.raw(b"data: [DONE]\n\n")
        self.end()

    def end(self) -> None:
        """The regular end of the stream."""
        self._handler.wfile.write(b"0\r\n\r\n")
        self._handler.wfile.flush()

    def cut(self) -> None:
        """Close the connection, whatever was promised."""
        self._handler.close_connection = True

    def wait(self) -> None:
        """Say nothing until the test is over."""
        self.stopping.wait(60)


Behaviour = Callable[[Call], None]


class StubServer:
    """What a test knows of the running server."""

    def __init__(self, behaviours: list[Behaviour], models: object) -> None:
        self.calls: list[Call] = []
        self.paths: list[str] = []
        self.keys: list[str | None] = []
        self.stopping = threading.Event()
        self.left = threading.Event()
        """Set when a client went away in the middle of an answer."""
        self.url = ""
        self.models = models
        self._behaviours = behaviours
        self._lock = threading.Lock()

    def take(self, call: Call) -> Behaviour:
        """The behaviour for this call; the last one is used again and again."""
        with self._lock:
            self.calls.append(call)
            return self._behaviours[min(len(self.calls), len(self._behaviours)) - 1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stub: StubServer

    def do_GET(self) -> None:
        self.stub.paths.append(self.path)
        self.stub.keys.append(self.headers.get("Authorization"))
        answer = self.stub.models
        if callable(answer):
            answer(Call(self, {}, self.stub.stopping))
        else:
            Call(self, {}, self.stub.stopping).json(200, answer)

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", "0"))
        call = Call(self, json.loads(self.rfile.read(size)), self.stub.stopping)
        self.stub.paths.append(self.path)
        self.stub.keys.append(self.headers.get("Authorization"))
        try:
            self.stub.take(call)(call)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
            self.stub.left.set()

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """A client that went away is no news."""


ONE_MODEL = {"object": "list", "data": [{"id": "stub-model"}]}


@contextmanager
def stub_server(*behaviours: Behaviour, models: object = ONE_MODEL):
    """Run a server; the behaviours are used in order, the last one for all further calls."""
    stub = StubServer(list(behaviours) or [say("Aye.")], models)
    handler = type("Handler", (_Handler,), {"stub": stub})
    server = _Server(("127.0.0.1", 0), handler)
    stub.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        stub.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()


def say(*texts: str, reason: str = "stop", usage: dict | None = None) -> Behaviour:
    """A well-behaved reply in these chunks."""

    def behave(call: Call) -> None:
        call.begin()
        for text in texts:
            call.say(text)
        call.finish(reason, usage)

    return behave


def refuse(status: int, value: object = None, **headers: str) -> Behaviour:
    """An error answer."""
    return lambda call: call.json(status, value or {"error": {"message": "no"}}, **headers)


def endless(words: str = "the forge is hot, the iron waits and the bridge is down; "):
    """A reply that goes on until `max_tokens` words were said or the client leaves.

    The words begin at a place given by the seed. Stop texts are ignored, as some servers do.
    """

    def behave(call: Call) -> None:
        said = words.split(" ")[:-1]
        start = call.body["seed"] % len(said)
        call.begin()
        for number in range(call.body["max_tokens"]):
            if call.stopping.wait(0.001):
                return
            call.say(said[(start + number) % len(said)] + " ")
        call.finish("length")

    return behave
