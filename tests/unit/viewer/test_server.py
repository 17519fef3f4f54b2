"""The server gives byte ranges of one folder, nothing beyond it, and survives what is no request."""

from __future__ import annotations

import http.client
import os
import socket
from pathlib import Path

import pytest

from nightside.viewer.server import Server

CONTENT = bytes(range(250)) * 4


def ask(
    server: Server, target: str, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and content; the target is sent as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=5)
    connection.putrequest(method, target, skip_host="Host" in headers, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, content


def raw(server: Server, request: bytes) -> bytes:
    """Return all that the server answers to bytes."""
    with socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=5) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_it_listens_to_this_machine_only(server: Server) -> None:
    assert server.server_address[0] == "127.0.0.1"


def test_a_file_and_the_page_come_whole_and_with_their_types(server: Server) -> None:
    status, headers, content = ask(server, "/data/thermal/map.tif")
    assert (status, content, headers["content-type"]) == (200, CONTENT, "image/tiff")
    assert headers["accept-ranges"] == "bytes"
    status, headers, content = ask(server, "/")
    assert (status, content) == (200, b"<!doctype html>the page")
    assert "default-src 'self'" in headers["content-security-policy"]
    assert ask(server, "/view.json")[::2] == (200, b"{}")


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=990-", 990, 999),
        ("bytes=990-5000", 990, 999),
        ("bytes=-5", 995, 999),
        ("bytes=-5000", 0, 999),
        ("bytes=990-" + "9" * 30, 990, 999),
        ("bytes=-" + "9" * 30, 0, 999),
        ("bytes=" + "0" * 30 + "990-" + "9" * 5000, 990, 999),
    ],
)
def test_a_range_is_those_bytes(server: Server, asked: str, first: int, last: int) -> None:
    status, headers, content = ask(server, "/data/thermal/map.tif", Range=asked)
    assert (status, content) == (206, CONTENT[first : last + 1])
    assert headers["content-range"] == f"bytes {first}-{last}/1000"
    assert int(headers["content-length"]) == len(content)


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=1000-",
        "bytes=5000-6000",
        "bytes=-0",
        "bytes=" + "9" * 30 + "-",
        "bytes=" + "8" * 30 + "-" + "9" * 30,
        "bytes=" + "9" * 5000 + "-",
    ],
)
def test_a_range_of_no_byte_is_refused_with_the_size(server: Server, asked: str) -> None:
    status, headers, _ = ask(server, "/data/thermal/map.tif", Range=asked)
    assert (status, headers["content-range"]) == (416, "bytes */1000")


def test_no_range_of_an_empty_file_exists(server: Server) -> None:
    assert ask(server, "/data/thermal/empty.json", Range="bytes=0-0")[0] == 416
    assert ask(server, "/data/thermal/empty.json")[0] == 200


@pytest.mark.parametrize(
    "asked", ["bytes=9-3", "bytes=a-b", "bytes=-", "lines=0-1", "bytes=0-1,5-6", "bytes=" + "9" * 30 + "-5"]
)
def test_a_range_that_is_none_or_several_gives_the_whole_file(server: Server, asked: str) -> None:
    assert ask(server, "/data/thermal/map.tif", Range=asked)[::2] == (200, CONTENT)


def test_head_has_the_headers_without_the_content(server: Server) -> None:
    status, headers, content = ask(server, "/data/thermal/map.tif", "HEAD", Range="bytes=0-99")
    assert (status, headers["content-length"], content) == (206, "100", b"")


@pytest.mark.parametrize(
    "target",
    [
        "/data/../secret.txt",
        "/data/%2e%2e/secret.txt",
        "/data/..%2fsecret.txt",
        "/data/%2e%2e%2fsecret.txt",
        "/data/thermal/../../../secret.txt",
        "/data/%252e%252e/secret.txt",
        "/data/..\\secret.txt",
        "/data/..%5csecret.txt",
        "/data/%c0%ae%c0%ae/secret.txt",
        "/data//secret.txt",
        "/data/" + "../" * 30 + "etc/passwd",
        "//etc/passwd",
        "/../secret.txt",
        "/page/index.html",
        "/data/.hidden",
        "/data/thermal",
        "/data/thermal/",
        "/data/",
        "/data",
        "/data/thermal/map.tif%00.txt",
        "/data/thermal%00/map.tif",
        "/data/thermal/map.tif%0d%0aX: y",
        "/data/" + "a" * 5000,
        "/data/out.txt",
        "/data/above/secret.txt",
        "/data/above/results/thermal/../../secret.txt",
        "data/thermal/map.tif",
        "http://127.0.0.1/data/thermal/map.tif",
        "*",
    ],
)
def test_nothing_but_ordinary_files_of_the_folder_is_served(server: Server, target: str) -> None:
    answer = raw(server, f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert int(answer.split(b" ")[1]) in (400, 403, 404)
    assert b"secret" not in answer.partition(b"\r\n\r\n")[2]
    assert b"root:" not in answer


def test_a_link_that_leads_out_is_forbidden_and_one_within_followed(server: Server) -> None:
    assert ask(server, "/data/out.txt")[0] == 403
    assert ask(server, "/data/inside.tif")[::2] == (200, CONTENT)


def test_a_name_is_decoded_once(server: Server) -> None:
    assert ask(server, "/data/name%20with%20%C3%A4+%2541.txt")[::2] == (200, b"odd")
    assert ask(server, "/data/name%20with%20%C3%A4+%41.txt")[0] == 404


def test_a_pipe_is_no_file_and_is_not_waited_for(server: Server, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    assert ask(server, "/data/pipe")[0] == 404


def test_a_page_of_another_site_is_refused(server: Server) -> None:
    assert ask(server, "/view.json", Host="evil.example")[0] == 403
    assert ask(server, "/view.json", Host=f"localhost:{server.server_address[1]}")[0] == 200


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        ([], 400),
        (["localhost", "localhost"], 400),
        (["localhost", "evil.example"], 400),
        (["evil.example", "localhost"], 400),
        (["localhost"], 200),
    ],
)
def test_a_request_names_one_host(server: Server, hosts: list[str], status: int) -> None:
    lines = "".join(f"Host: {host}\r\n" for host in hosts)
    answer = raw(server, f"GET /view.json HTTP/1.1\r\n{lines}Connection: close\r\n\r\n".encode())
    assert int(answer.split(b" ")[1]) == status
    assert (b"{}" in answer.partition(b"\r\n\r\n")[2]) == (status == 200)


def test_http_1_0_has_no_host(server: Server) -> None:
    assert b" 200 " in raw(server, b"GET /view.json HTTP/1.0\r\n\r\n").partition(b"\r\n")[0]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"",
        b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 300 + b"\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -7\r\n\r\nGET /data/.hidden HTTP/1.1\r\n\r\n",
        b"POST /view.json HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
        b"DELETE /data/thermal/map.tif HTTP/1.1\r\n\r\n",
        b"\x00\xff\xfe /\x00 HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request_is_survived(server: Server, request_bytes: bytes) -> None:
    answer = raw(server, request_bytes)
    assert not answer.startswith(b"HTTP/1.1 2") or b"the page" in answer
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert ask(server, "/view.json")[0] == 200


def test_nothing_is_changed_by_other_methods(server: Server, folder: Path) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert ask(server, "/data/thermal/map.tif", method)[0] == 501
    assert (folder / "thermal/map.tif").read_bytes() == CONTENT


def test_a_browser_that_hangs_up_is_survived(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", server.server_address[1])) as connection:
            connection.sendall(b"GET /data/thermal/map.tif HTTP/1.1\r\nHo")
    assert ask(server, "/view.json")[0] == 200
    assert capfd.readouterr().err == ""
