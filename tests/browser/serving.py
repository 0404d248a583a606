"""A folder on localhost, and what its pages tell the test: for a browser that nothing drives.

with serving(folder) as server:
    server.address                  # http://localhost:PORT
    server.told(timeout=60)         # what a page sent by fetch("/told", {method: "POST", body: JSON.stringify(...)})
"""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

WAIT = 300  # seconds; a busy machine is slow, not wrong


@dataclass
class Server:
    address: str
    heard: queue.Queue = field(default_factory=queue.Queue)

    def told(self, timeout: float = WAIT) -> Any:
        """The next value that a page sent. Raises queue.Empty after so many seconds without one."""
        return self.heard.get(timeout=timeout)


@contextlib.contextmanager
def serving(folder: Path, pages: Mapping[str, str] = {}) -> Iterator[Server]:
    """pages: texts of HTML that stand beside the folder's files, by path, such as "/watch.html"."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments) -> None:
            super().__init__(*arguments, directory=str(folder))

        def do_GET(self) -> None:
            text = pages.get(self.path.partition("?")[0])
            if text is None:
                super().do_GET()
            else:
                self.answer("text/html; charset=utf-8", text.encode())

        def do_POST(self) -> None:
            server.heard.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.answer("text/plain", b"")

        def answer(self, kind: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        server = Server(f"http://localhost:{listener.server_port}")
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield server
        listener.shutdown()


@contextlib.contextmanager
def left_alone(command: Sequence[str], folder: Path) -> Iterator[subprocess.Popen]:
    """A browser without a driver, `folder` its home, which is ended with all its processes. Where the test waits for
    its pages in vain, the test fails with what the browser printed."""
    log = folder / "browser.log"
    environment = {**os.environ, "HOME": str(folder)}
    with open(log, "wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out, start_new_session=True)
        try:
            yield process
        except queue.Empty:
            said = log.read_text(errors="replace")[-2000:]
            pytest.fail(f"The page told nothing in {WAIT} s; exit status {process.poll()}. The browser printed: {said}")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)
