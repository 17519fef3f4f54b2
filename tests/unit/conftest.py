"""A small archive on 127.0.0.1 that misbehaves on request."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Archive:
    """Files by path; ``faults`` by path are used up one a request: drop, truncate, busy, busy_until, corrupt, none."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[str]] = defaultdict(list)
        self.requests: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self.ranges: list[tuple[str, str]] = []
        self.agents: set[str] = set()
        self.at_once = self.most_at_once = 0
        self.delay_s = 0.0
        self.lock = threading.Lock()
        self.url = ""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        archive: Archive = self.server.archive
        with archive.lock:
            archive.at_once += 1
            archive.most_at_once = max(archive.most_at_once, archive.at_once)
            archive.requests[self.path] += 1
            archive.agents.add(self.headers.get("User-Agent", ""))
            fault = archive.faults[self.path].pop(0) if archive.faults[self.path] else ""
        try:
            time.sleep(archive.delay_s)
            self._answer(archive, fault)
        finally:
            with archive.lock:
                archive.at_once -= 1

    def _answer(self, archive: Archive, fault: str) -> None:
        body = archive.files.get(self.path)
        if body is None or fault.startswith("busy"):
            self.send_response(404 if body is None else 503)
            if body is not None:
                self.send_header(
                    "Retry-After", "7" if fault == "busy" else formatdate(time.time() + 90, usegmt=True)
                )
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        etag = f'"{hash(body)}"'
        if fault == "truncate":
            body = body[: len(body) // 2]
        elif fault == "corrupt":
            body = body[:60] + bytes(b ^ 0xFF for b in body[60:70]) + body[70:]
        first, wanted = 0, self.headers.get("Range")
        if wanted and self.headers.get("If-Range", etag) == etag:
            first = int(wanted.removeprefix("bytes=").split("-")[0])
            archive.ranges.append((self.path, wanted))
            if first >= len(body):
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - first))
        self.send_header("ETag", etag)
        self.end_headers()
        part = body[first:]
        if fault == "drop":
            part = part[: len(part) // 2]
            self.close_connection = True
        self.wfile.write(part)
        self.wfile.flush()
        archive.sent[self.path] += len(part)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def archive_server() -> Iterator[Archive]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.archive = Archive()
    server.archive.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.archive
    server.shutdown()
    thread.join()
    server.server_close()
