"""A web server for one results folder: byte ranges for COG and Zarr, and nothing beyond the folder."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote_to_bytes

from nightside.viewer.layers import DATA

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".json": "application/json",
    ".geojson": "application/geo+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".tif": "image/tiff",
}
"""By suffix; anything else is ``application/octet-stream``."""

_POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self' data: blob:; worker-src blob:; frame-ancestors 'none'"
)
"""Of the page: nothing from another place. Workers and decoders of COGs are part of the bundle, as blobs."""

_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")
_BEYOND = 10**18
"""More bytes than any file has; what a range asks for beyond that may have more digits than Python converts."""

_PIECE = 1 << 18
_IDLE_S = 60.0
_LOCAL = ("localhost", "127.0.0.1", "[::1]")


class Server(ThreadingHTTPServer):
    """Serves a page, files made for it, and under ``data/`` the files of a folder.

    Args:
        results: the folder; what a link in it leads to elsewhere is refused.
        page: the folder of the page's own files.
        made: further files of the page by name, as bytes.
        host: the address to listen at.
        port: 0 for any free one.
    """

    daemon_threads = True

    def __init__(
        self, results: Path, page: Path, made: Mapping[str, bytes], host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.results = results.resolve(strict=True)
        self.page = {path.name: path for path in page.iterdir() if path.is_file()}
        self.made = dict(made)
        super().__init__((host, port), _Handler)
        self.local = host in ("localhost", "127.0.0.1")

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is no error; anything else is told in one line."""
        error = sys.exc_info()[1]
        if not isinstance(error, (ConnectionError, TimeoutError)):
            sys.stderr.write(f"nightside view: a request failed: {error!r}\n")


class _Refused(Exception):
    """The request gets this status and no content."""

    def __init__(self, status: HTTPStatus) -> None:
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "nightside", ""
    timeout = _IDLE_S

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a map asks for hundreds of ranges."""

    def _answer(self, *, body: bool) -> None:
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            # Content that nobody reads would be taken for the next request.
            self.close_connection = True
        try:
            self._refuse_stranger()
            name = _path(self.path)
            if (made := self.server.made.get(name)) is not None:
                self._send_made(name, made, body)
                return
            with self._open(name) as file:
                self._send(file, name, body)
        except _Refused as refused:
            self.send_error(refused.status)

    def _refuse_stranger(self) -> None:
        """Refuse a page of another site that reaches this server under a name of its own (DNS rebinding).

        Of two names a proxy might take the other one than this server: RFC 9112 refuses them, as none in HTTP/1.1.
        """
        hosts = self.headers.get_all("Host", [])
        if len(hosts) > 1 or (not hosts and self.request_version == "HTTP/1.1"):
            raise _Refused(HTTPStatus.BAD_REQUEST)
        host = hosts[0] if hosts else "localhost"
        if self.server.local and re.sub(r":\d*$", "", host.lower()) not in _LOCAL:
            raise _Refused(HTTPStatus.FORBIDDEN)

    def _open(self, name: str) -> BinaryIO:
        """Return an open regular file of the page or of the results folder."""
        folder, _, rest = name.partition("/")
        if folder == DATA and rest:
            path = self._inside(rest)
        elif name in self.server.page:
            path = self.server.page[name]
        else:
            raise _Refused(HTTPStatus.NOT_FOUND)
        try:
            # Neither a link put there since, nor a pipe that never answers.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except PermissionError:
            raise _Refused(HTTPStatus.FORBIDDEN) from None
        except OSError:
            raise _Refused(HTTPStatus.NOT_FOUND) from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise _Refused(HTTPStatus.NOT_FOUND)
        return os.fdopen(descriptor, "rb")

    def _inside(self, name: str) -> Path:
        try:
            path = (self.server.results / name).resolve(strict=True)
        except (OSError, RuntimeError, ValueError):
            raise _Refused(HTTPStatus.NOT_FOUND) from None
        if not path.is_relative_to(self.server.results):
            raise _Refused(HTTPStatus.FORBIDDEN)
        return path

    def _send(self, file: BinaryIO, name: str, body: bool) -> None:
        size = os.fstat(file.fileno()).st_size
        span = _span(self.headers.get("Range"), size)
        if span is None:
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        first, last, partial = span
        self.send_response(HTTPStatus.PARTIAL_CONTENT if partial else HTTPStatus.OK)
        if partial:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self._headers(name, last - first + 1)
        if body:
            file.seek(first)
            left = last - first + 1
            while left > 0 and (piece := file.read(min(left, _PIECE))):
                self.wfile.write(piece)
                left -= len(piece)
            # A file that became shorter meanwhile: the browser must not wait for the rest.
            self.close_connection = self.close_connection or left > 0

    def _send_made(self, name: str, content: bytes, body: bool) -> None:
        self.send_response(HTTPStatus.OK)
        self._headers(name, len(content))
        if body:
            self.wfile.write(content)

    def _headers(self, name: str, length: int) -> None:
        suffix = name[name.rfind(".") :] if "." in name else ""
        self.send_header("Content-Type", TYPES.get(suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(length))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        if not name.startswith(f"{DATA}/") and suffix == ".html":
            self.send_header("Content-Security-Policy", _POLICY)
        self.end_headers()


def _path(target: str) -> str:
    """Return the path that a request asks for, decoded once; ``index.html`` for the root.

    Raises:
        _Refused: it is no path of ordinary names: empty ones, hidden ones, dots, backslashes, control characters.
    """
    path = re.split(r"[?#]", target, maxsplit=1)[0]
    if not path.startswith("/"):
        raise _Refused(HTTPStatus.BAD_REQUEST)
    if path == "/":
        return "index.html"
    names = []
    for part in path[1:].split("/"):
        try:
            name = unquote_to_bytes(part).decode("utf-8")
        except UnicodeError:
            raise _Refused(HTTPStatus.BAD_REQUEST) from None
        # Each part is decoded alone, so that an encoded slash stays in its name, and is refused.
        if not name or name.startswith(".") or re.search(r"[\x00-\x1f\x7f/\\]", name):
            raise _Refused(HTTPStatus.NOT_FOUND)
        names.append(name)
    return "/".join(names)


def _span(header: str | None, size: int) -> tuple[int, int, bool] | None:
    """Return first and last byte and whether they are a part; None where no byte of the range exists.

    A header of several ranges, or of none that RFC 9110 knows, is ignored, as it allows: the whole file is sent.
    """
    match = _RANGE.fullmatch((header or "").strip())
    if match is None or match.groups() == ("", ""):
        return 0, size - 1, False
    first, last = (_bounded(text) if text else None for text in match.groups())
    if first is None:
        start, stop = max(size - (last or 0), 0), size - 1
    elif last is not None and last < first:
        return 0, size - 1, False
    else:
        start, stop = first, size - 1 if last is None else min(last, size - 1)
    return (start, stop, True) if start <= stop else None


def _bounded(digits: str) -> int:
    """Return a number, or ``_BEYOND`` where it is larger."""
    significant = digits.lstrip("0")
    return int(significant or "0") if len(significant) <= len(str(_BEYOND)) - 1 else _BEYOND
