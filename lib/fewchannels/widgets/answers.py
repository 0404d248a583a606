"""Answers what an explorer asks of a live kernel, in a thread of its own, so that the kernel hears "cancel" meanwhile.

In come {"kind": "ask", "id", "request"} and {"kind": "cancel", "id"}; out go {"kind": "progress", "id", "share"}, then
{"kind": "run", "id", "run"} with the packed block as a buffer, or {"kind": "failed", "id", "text"}.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

PAUSE = 0.1  # seconds between two words of progress


class Answers:
    """One question at a time is worked on, others wait; one that was cancelled is dropped.

    compute(request, report=..., stopped=...) -> Run: report takes the share done, stopped() says True once the answer
    is no longer wanted. pack(run, id) -> (header, block of bytes). send(content, buffers) goes to the front end.
    """

    def __init__(
        self,
        compute: Callable[..., Any],
        pack: Callable[[Any, str], tuple[dict, bytes]],
        send: Callable[[dict, list[bytes]], None],
    ) -> None:
        self._compute, self._pack, self._send = compute, pack, send
        self._turn = threading.Lock()
        self._cancelled: dict[str, threading.Event] = {}

    def hear(self, widget: Any, content: Any, buffers: Any) -> None:
        """What a message of the front end leads to; others than the two above are ignored."""
        kind, name = (content.get("kind"), content.get("id")) if isinstance(content, dict) else (None, None)
        if not isinstance(name, str):
            return
        if kind == "ask" and name not in self._cancelled:
            self._cancelled[name] = threading.Event()
            threading.Thread(target=self._answer, args=(name, content.get("request")), daemon=True).start()
        elif kind == "cancel" and name in self._cancelled:
            self._cancelled[name].set()

    def stop(self) -> None:
        """Cancel everything that was asked."""
        for event in list(self._cancelled.values()):
            event.set()

    def _answer(self, name: str, request: Any) -> None:
        gone = self._cancelled[name]
        said = 0.0

        def report(share: float) -> None:
            nonlocal said
            if time.monotonic() - said >= PAUSE:
                said = time.monotonic()
                self._send({"kind": "progress", "id": name, "share": float(share)}, [])

        try:
            with self._turn:
                if gone.is_set():
                    return
                if not isinstance(request, dict):
                    raise ValueError(f"the request is {type(request).__name__}: expected an object")
                header, block = self._pack(self._compute(request, report=report, stopped=gone.is_set), name)
            if not gone.is_set():
                self._send({"kind": "run", "id": name, "run": header}, [block])
        except Exception as error:  # whatever it is, the reader of the notebook has to see it
            if not gone.is_set():
                text = " ".join(str(error).split()) or type(error).__name__
                self._send({"kind": "failed", "id": name, "text": text}, [])
        finally:
            self._cancelled.pop(name, None)
