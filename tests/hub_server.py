"""A hub on this machine that speaks as much of the real one's language as its client asks for.

    with serving({"lab/tiny": folder}, gated={"lab/gated"}) as hub:     # hub.address, hub.asked: the paths asked for

Models are folders; each has one commit. The real huggingface_hub and diffusers talk to it over HTTP.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Collection, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urlparse

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextlib.contextmanager
def serving(models: Mapping[str, Path], gated: Collection[str] = (), sizes: Mapping[str, int] | None = None):
    """sizes: bytes that the listing gives for files, by their name, instead of their own."""
    asked: list[str] = []

    class Hub(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_HEAD(self):
            self.do_GET()

        def do_GET(self):
            path = unquote(urlparse(self.path).path).strip("/")
            asked.append(path)
            parts = path.split("/")
            listing = parts[:2] == ["api", "models"]
            parts = parts[2:] if listing else parts
            name, rest = "/".join(parts[:2]), parts[2:]
            if name not in models:
                return self.refuse(401, "RepoNotFound", "Repository not found")
            revision = rest[1] if len(rest) > 1 else "main"
            if revision not in ("main", COMMIT):
                return self.refuse(404, "RevisionNotFound", "Invalid rev id")
            if listing:
                return self.list_files(name, tree="tree" in rest)
            if name in gated:
                return self.refuse(401, "GatedRepo", f"Access to model {name} is restricted")
            file = models[name].joinpath(*rest[2:])
            if not file.is_file():
                return self.refuse(404, "EntryNotFound", "Entry not found")
            return self.send(200, file.read_bytes())

        def list_files(self, name, tree):
            root = models[name]
            files = {f.relative_to(root).as_posix(): f for f in sorted(root.rglob("*")) if f.is_file()}
            told = {path: (sizes or {}).get(path, file.stat().st_size) for path, file in files.items()}
            if tree:
                listed = [{"type": "file", "path": path, "size": size, "oid": "0" * 40} for path, size in told.items()]
            else:
                siblings = [{"rfilename": path, "size": size} for path, size in told.items()]
                listed = {"id": name, "sha": COMMIT, "siblings": siblings, "tags": [], "gated": name in gated}
            self.send(200, json.dumps(listed).encode(), "application/json")

        def refuse(self, status, code, message):
            self.send(status, b"", more={"X-Error-Code": code, "X-Error-Message": message})

        def send(self, status, body, kind="application/octet-stream", more=()):
            self.send_response(status)
            etag = hashlib.sha1(body, usedforsecurity=False).hexdigest()
            headers = {"Content-Type": kind, "Content-Length": len(body), "ETag": f'"{etag}"', "X-Repo-Commit": COMMIT}
            for key, value in {**headers, **dict(more)}.items():
                self.send_header(key, str(value))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield SimpleNamespace(address=f"http://127.0.0.1:{server.server_port}", asked=asked)
    finally:
        server.shutdown()
        server.server_close()
