"""Downloads that survive a bad line: resumed, retried, checked, and polite to the server.

A file gets its name only after its content has been checked: its length, the CRC of every member of a zip, and what
its ``Wanted`` asks for; one that has its name already is checked in the same way. Until then it is ``<name>.part``,
beside which ``<name>.part.json`` keeps what the server said of it, so that the rest can be asked for, and only if the
server's file is still the same.
"""

from __future__ import annotations

import errno
import json
import random
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Literal

import requests
import urllib3

from nightside._version import __version__

USER_AGENT = f"nightside/{__version__} (lunar mapping; resumes and pauses on request)"
CHUNK_BYTES = 1 << 18
LONGEST_PAUSE_S = 300.0
SILENT_SERVER = 8
"""After this many files in a row have failed, the server is not asked for the others."""

_RETRY_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Wanted:
    """A file to fetch and where to put it.

    Attributes:
        url: its address.
        path: its place here.
        size: its length in bytes, where the format fixes it.
        fault: says what is wrong with the content of a file, or None; called once its length is right.
    """

    url: str
    path: Path
    size: int | None = None
    fault: Callable[[Path], str | None] | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a file.

    ``missing``: the server does not have it, so it was never taken. ``broken``: what the server has is damaged.
    """

    wanted: Wanted
    status: Literal["fetched", "present", "missing", "failed", "broken"]
    reason: str = ""


class _Retry(Exception):
    def __init__(self, reason: str, pause_s: float = 0.0, *, broken: bool = False) -> None:
        super().__init__(reason)
        self.pause_s, self.broken = pause_s, broken


class _Refused(Exception):
    """The server's answer will not change by asking again."""


def fetch_all(
    wanted: Sequence[Wanted],
    *,
    parallel: int = 4,
    retries: int = 5,
    timeout_s: float = 60.0,
    sleep: Callable[[float], Any] = time.sleep,
) -> list[Outcome]:
    """Fetch files, at most ``parallel`` at once, and return their outcomes in the order asked for.

    A file that is there already and sound is not asked for; a damaged one is set aside as ``<name>.bad``. A failed attempt is repeated up to ``retries`` times after
    a pause that doubles (with a random part), or after the server's ``Retry-After``. A file whose content
    stays wrong is set aside as ``<name>.bad``.

    Raises:
        OSError: the disk is full (the half file is removed), or the folder cannot be written.
    """
    client = _Client(retries, timeout_s, sleep)
    with requests.Session() as session, ThreadPoolExecutor(parallel) as pool:
        session.mount("https://", requests.adapters.HTTPAdapter(pool_maxsize=parallel))
        session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=parallel))
        session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
        futures = [pool.submit(client.fetch, session, item) for item in wanted]
        try:
            return [future.result() for future in futures]
        except BaseException:
            client.stop.set()
            pool.shutdown(cancel_futures=True)
            raise


@dataclass
class _Client:
    retries: int
    timeout_s: float
    sleep: Callable[[float], Any]

    def __post_init__(self) -> None:
        self.stop = threading.Event()
        self.failed_in_a_row = 0

    def fetch(self, session: requests.Session, wanted: Wanted) -> Outcome:
        if wanted.path.exists():
            if content_fault(wanted.path, wanted) is None:
                return Outcome(wanted, "present")
            wanted.path.replace(_bad(wanted.path))
        wanted.path.parent.mkdir(parents=True, exist_ok=True)
        reason, broken = "", False
        for attempt in range(self.retries + 1):
            if self.stop.is_set() or self.failed_in_a_row >= SILENT_SERVER:
                return Outcome(wanted, "failed", reason or "not tried: the server fails every request")
            try:
                found = self._attempt(session, wanted)
                self.failed_in_a_row = 0
                return Outcome(wanted, "fetched" if found else "missing")
            except _Refused as refusal:
                self.failed_in_a_row += 1
                return Outcome(wanted, "failed", str(refusal))
            except (_Retry, requests.RequestException) as fault:
                reason = f"{wanted.url}: {fault}"
                asked = fault.pause_s if isinstance(fault, _Retry) else 0.0
                broken = isinstance(fault, _Retry) and fault.broken
            except OSError as error:
                _drop(wanted.path)
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    message = (
                        f"no space left for {wanted.path}; free some disk, then run the same command again"
                    )
                    raise OSError(error.errno, message) from None
                raise
            if attempt < self.retries:
                growing = 2.0**attempt * random.uniform(0.5, 1.0)
                self.sleep(min(max(growing, asked), LONGEST_PAUSE_S))
        reason = f"{reason} ({self.retries + 1} attempts)"
        self.failed_in_a_row += 1
        return Outcome(wanted, "broken" if broken else "failed", reason)

    def _attempt(self, session: requests.Session, wanted: Wanted) -> bool:
        """Fetch what is lacking of one file; return False where the server does not have it."""
        part = _part(wanted.path)
        headers = _resume_headers(wanted.path)
        with session.get(wanted.url, headers=headers, stream=True, timeout=self.timeout_s) as answer:
            if answer.status_code in (404, 410):
                _drop(wanted.path)
                return False
            if answer.status_code == 416:
                _drop(wanted.path)
                raise _Retry("the server's file is shorter than the part fetched before")
            if answer.status_code in _RETRY_STATUS:
                pause = _retry_after_s(answer.headers.get("Retry-After"))
                raise _Retry(f"the server answered {answer.status_code}", pause)
            if answer.status_code not in (200, 206):
                raise _Refused(f"{wanted.url}: the server answered {answer.status_code}; check the address")
            length = _begin(wanted.path, answer)
            try:
                with part.open("ab") as handle:
                    # read1 hands over what came before the line broke, which read would lose.
                    while chunk := answer.raw.read1(CHUNK_BYTES, decode_content=False):
                        if self.stop.is_set():
                            raise _Retry("stopped")
                        handle.write(chunk)
            except urllib3.exceptions.HTTPError:
                raise _Retry(f"the line broke after {part.stat().st_size} of {length} bytes") from None
        self._accept(wanted, length)
        return True

    def _accept(self, wanted: Wanted, length: int | None) -> None:
        part = _part(wanted.path)
        size = part.stat().st_size
        if length is not None and size < length:
            raise _Retry(f"{size} bytes came of {length}")
        fault = content_fault(part, wanted)
        if length is not None and size > length:
            fault = f"{size} bytes came, {length} were announced"
        if fault is not None:
            part.replace(_bad(wanted.path))
            _drop(wanted.path)
            raise _Retry(f"{fault}; set aside as {_bad(wanted.path).name}", broken=True)
        part.replace(wanted.path)
        _drop(wanted.path)
        _bad(wanted.path).unlink(missing_ok=True)


def content_fault(path: Path, wanted: Wanted) -> str | None:
    """Return what is wrong with the content of ``path``, which is ``wanted`` or a part of it, or None."""
    found = path.stat().st_size
    if found == 0:
        return "is empty"
    if wanted.size is not None and found != wanted.size:
        return f"has {found} bytes, a whole one has {wanted.size}"
    if wanted.path.suffix.lower() == ".zip":
        try:
            with zipfile.ZipFile(path) as archive:
                broken = archive.testzip()
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            return f"is no sound zip ({error})"
        if broken is not None:
            return f"member {broken} of the zip fails its CRC"
    return None if wanted.fault is None else wanted.fault(path)


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _bad(path: Path) -> Path:
    return path.with_name(path.name + ".bad")


def _note(path: Path) -> Path:
    return path.with_name(path.name + ".part.json")


def _drop(path: Path) -> None:
    _part(path).unlink(missing_ok=True)
    _note(path).unlink(missing_ok=True)


def _resume_headers(path: Path) -> dict[str, str]:
    try:
        size = _part(path).stat().st_size
        note = json.loads(_note(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not size or not isinstance(note, dict):
        return {}
    # The last byte is asked for again: a range of nothing is refused, and it proves that the range is right.
    headers = {"Range": f"bytes={size - 1}-" if size == note.get("length") else f"bytes={size}-"}
    if note.get("validator"):
        headers["If-Range"] = str(note["validator"])
    return headers


def _begin(path: Path, answer: requests.Response) -> int | None:
    """Make the part ready for the answer's body; return the whole file's length where it is told."""
    part = _part(path)
    if answer.status_code == 206:
        span, _, total = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
        first = span.split("-")[0]
        known = json.loads(_note(path).read_text(encoding="utf-8")).get("length")
        length = int(total) if total.isdigit() else None
        if not first.isdigit() or int(first) > part.stat().st_size or length != known:
            _drop(path)
            raise _Retry("the server's file has changed since its first part was fetched")
        with part.open("r+b") as handle:
            handle.truncate(int(first))
        return length
    announced = answer.headers.get("Content-Length", "")
    length = int(announced) if announced.isdigit() else None
    tag = answer.headers.get("ETag", "")
    strong = tag if tag and not tag.startswith("W/") else answer.headers.get("Last-Modified")
    part.write_bytes(b"")
    _note(path).write_text(json.dumps({"length": length, "validator": strong}), encoding="utf-8")
    return length


def _retry_after_s(value: str | None) -> float:
    if value is None:
        return 0.0
    if value.strip().isdigit():
        return float(value)
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except ValueError:
        return 0.0
