import errno
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from nightside import download
from nightside.download import SILENT_SERVER, Wanted, fetch_all


def table_zip(seed: int = 1, size: int = 400_000) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(f"20100101{seed:04d}_RDR.TAB", np.random.default_rng(seed).bytes(size))
    return held.getvalue()


def get(server, folder, names, **options):
    pauses = []
    wanted = [Wanted(f"{server.url}/{name}", folder / name) for name in names]
    outcomes = fetch_all(wanted, sleep=pauses.append, timeout_s=10, **options)
    return outcomes, pauses


def leftovers(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.rglob("*") if p.is_file() and ".part" in p.name)


def test_a_file_arrives_whole_and_is_not_asked_for_again(archive_server, tmp_path):
    archive_server.files["/a.zip"] = table_zip()
    (first,), _ = get(archive_server, tmp_path, ["a.zip"])
    (second,), _ = get(archive_server, tmp_path, ["a.zip"])
    assert (first.status, second.status) == ("fetched", "present")
    assert (tmp_path / "a.zip").read_bytes() == table_zip()
    assert archive_server.requests["/a.zip"] == 1
    assert all("nightside" in agent for agent in archive_server.agents)
    assert leftovers(tmp_path) == []


def test_a_broken_line_is_resumed_and_no_byte_is_sent_twice(archive_server, tmp_path):
    body = archive_server.files["/a.zip"] = table_zip()
    archive_server.faults["/a.zip"] = ["drop", "drop"]
    (outcome,), pauses = get(archive_server, tmp_path, ["a.zip"])
    assert outcome.status == "fetched"
    assert (tmp_path / "a.zip").read_bytes() == body
    assert archive_server.sent["/a.zip"] == len(body)
    assert len(archive_server.ranges) == 2
    assert 0.5 <= pauses[0] <= 1.0 <= pauses[1] <= 2.0


def test_a_file_that_changed_meanwhile_is_fetched_from_its_beginning(archive_server, tmp_path):
    archive_server.files["/a.zip"] = table_zip(1)
    archive_server.faults["/a.zip"] = ["drop"]
    get(archive_server, tmp_path, ["a.zip"], retries=0)
    assert leftovers(tmp_path) == ["a.zip.part", "a.zip.part.json"]
    assert not (tmp_path / "a.zip").exists()
    archive_server.files["/a.zip"] = table_zip(2)
    get(archive_server, tmp_path, ["a.zip"])
    assert (tmp_path / "a.zip").read_bytes() == table_zip(2)


def test_a_table_without_a_checksum_is_never_put_together_from_two_versions(archive_server, tmp_path):
    archive_server.files["/a.tab"] = b"first " * 1000
    archive_server.faults["/a.tab"] = ["drop"]
    get(archive_server, tmp_path, ["a.tab"], retries=0)
    assert not (tmp_path / "a.tab").exists()
    archive_server.files["/a.tab"] = b"other " * 1000
    (outcome,), _ = get(archive_server, tmp_path, ["a.tab"])
    assert outcome.status == "fetched"
    assert (tmp_path / "a.tab").read_bytes() == b"other " * 1000


def test_a_file_that_was_whole_when_the_fetch_was_killed_is_not_sent_again(archive_server, tmp_path):
    body = archive_server.files["/a.zip"] = table_zip()
    (tmp_path / "a.zip.part").write_bytes(body)
    note = {"length": len(body), "validator": f'"{hash(body)}"'}
    (tmp_path / "a.zip.part.json").write_text(json.dumps(note))
    (outcome,), _ = get(archive_server, tmp_path, ["a.zip"])
    assert outcome.status == "fetched"
    assert archive_server.sent["/a.zip"] == 1
    assert leftovers(tmp_path) == []


def test_a_part_longer_than_the_servers_file_is_dropped(archive_server, tmp_path):
    body = archive_server.files["/a.zip"] = table_zip()
    (tmp_path / "a.zip.part").write_bytes(body + b"more")
    (tmp_path / "a.zip.part.json").write_text(json.dumps({"length": 10 * len(body), "validator": None}))
    (outcome,), _ = get(archive_server, tmp_path, ["a.zip"])
    assert outcome.status == "fetched"
    assert (tmp_path / "a.zip").read_bytes() == body
    assert archive_server.requests["/a.zip"] == 2


def test_a_part_of_a_file_of_another_length_is_dropped(archive_server, tmp_path):
    body = archive_server.files["/a.tab"] = b"a table " * 1000
    (tmp_path / "a.tab.part").write_bytes(b"another " * 10)
    (tmp_path / "a.tab.part.json").write_text(json.dumps({"length": 10, "validator": None}))
    (outcome,), _ = get(archive_server, tmp_path, ["a.tab"])
    assert outcome.status == "fetched"
    assert (tmp_path / "a.tab").read_bytes() == body


@pytest.mark.parametrize("fault", ["truncate", "corrupt"])
def test_a_zip_that_came_broken_is_fetched_again(archive_server, tmp_path, fault):
    archive_server.files["/a.zip"] = table_zip()
    archive_server.faults["/a.zip"] = [fault]
    (outcome,), _ = get(archive_server, tmp_path, ["a.zip"])
    assert outcome.status == "fetched"
    assert (tmp_path / "a.zip").read_bytes() == table_zip()
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]


def test_a_zip_that_stays_broken_is_set_aside_and_named(archive_server, tmp_path):
    archive_server.files["/a.zip"] = table_zip()
    archive_server.faults["/a.zip"] = ["corrupt"] * 9
    (outcome,), _ = get(archive_server, tmp_path, ["a.zip"], retries=2)
    assert outcome.status == "broken"
    assert "a.zip.bad" in outcome.reason
    assert "3 attempts" in outcome.reason
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip.bad"]


def test_the_servers_wish_to_wait_is_honoured(archive_server, tmp_path):
    archive_server.files["/a.zip"] = table_zip()
    archive_server.faults["/a.zip"] = ["busy"]
    (outcome,), pauses = get(archive_server, tmp_path, ["a.zip"])
    assert outcome.status == "fetched"
    assert pauses == [7.0]
    archive_server.files["/b.zip"] = table_zip()
    archive_server.faults["/b.zip"] = ["busy_until"]
    _, (pause,) = get(archive_server, tmp_path, ["b.zip"])
    assert 60 < pause <= 91


def test_a_table_that_was_never_taken_is_missing_and_no_fault(archive_server, tmp_path):
    (outcome,), pauses = get(archive_server, tmp_path, ["none.zip"])
    assert outcome.status == "missing"
    assert pauses == []
    assert list(tmp_path.iterdir()) == []


def test_no_more_requests_at_once_than_allowed(archive_server, tmp_path):
    names = [f"{k}.zip" for k in range(12)]
    archive_server.files = {f"/{name}": table_zip(k, 1000) for k, name in enumerate(names)}
    archive_server.delay_s = 0.03
    outcomes, _ = get(archive_server, tmp_path, names, parallel=3)
    assert [o.wanted.path.name for o in outcomes] == names
    assert {o.status for o in outcomes} == {"fetched"}
    assert 1 < archive_server.most_at_once <= 3


def test_a_length_that_the_format_fixes_is_compared(archive_server, tmp_path):
    archive_server.files["/a.tab"] = b"a table"
    for name, size, status in (("good.tab", 7, "fetched"), ("bad.tab", 8, "broken")):
        wanted = Wanted(f"{archive_server.url}/a.tab", tmp_path / name, size)
        (outcome,) = fetch_all([wanted], retries=1, sleep=lambda s: None)
        assert outcome.status == status
        assert (tmp_path / name).exists() == (status == "fetched")
    (tmp_path / "good.tab").write_bytes(b"a tab")
    wanted = Wanted(f"{archive_server.url}/a.tab", tmp_path / "good.tab", 7)
    assert [o.status for o in fetch_all([wanted])] == ["fetched"]
    assert (tmp_path / "good.tab").read_bytes() == b"a table"


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied"])
def test_a_file_that_is_there_but_damaged_is_fetched_again(archive_server, tmp_path, damage):
    body = archive_server.files["/a.zip"] = table_zip()
    middle = len(body) // 2
    flipped = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
    (tmp_path / "a.zip").write_bytes({"cut": body[:middle], "flipped": flipped, "emptied": b""}[damage])
    (outcome,), _ = get(archive_server, tmp_path, ["a.zip"])
    assert outcome.status == "fetched"
    assert (tmp_path / "a.zip").read_bytes() == body
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]


def test_a_damaged_file_that_the_server_cannot_replace_is_no_table_of_the_inventory(tmp_path):
    (tmp_path / "a.zip").write_bytes(table_zip()[:-30])
    wanted = Wanted("http://127.0.0.1:9/a.zip", tmp_path / "a.zip")
    (outcome,) = fetch_all([wanted], retries=0, timeout_s=5)
    assert outcome.status == "failed"
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip.bad"]


def test_a_dead_server_is_left_alone_after_a_few_files(tmp_path):
    wanted = [Wanted(f"http://127.0.0.1:9/{k}.zip", tmp_path / f"{k}.zip") for k in range(40)]
    pauses = []
    outcomes = fetch_all(wanted, parallel=1, retries=1, sleep=pauses.append, timeout_s=5)
    assert {o.status for o in outcomes} == {"failed"}
    assert len(pauses) == SILENT_SERVER


def test_a_full_disk_says_so_and_leaves_no_half_file(archive_server, tmp_path, monkeypatch):
    archive_server.files["/a.zip"] = table_zip()

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download, "_begin", full)
    with pytest.raises(OSError, match=r"no space left for .*a\.zip; free some disk"):
        get(archive_server, tmp_path, ["a.zip"])
    assert list(tmp_path.iterdir()) == []


def test_the_same_command_after_a_kill_finishes_the_file(archive_server, tmp_path):
    body = archive_server.files["/a.zip"] = table_zip()
    archive_server.faults["/a.zip"] = ["drop"]
    code = (
        "import os, sys; from pathlib import Path; from nightside.download import Wanted, fetch_all\n"
        "fetch_all([Wanted(sys.argv[1], Path(sys.argv[2]))], sleep=lambda s: os.kill(os.getpid(), 9))"
    )
    url, path = f"{archive_server.url}/a.zip", tmp_path / "a.zip"
    killed = subprocess.run([sys.executable, "-c", code, url, str(path)], check=False)
    assert killed.returncode == -9
    assert not path.exists()
    (outcome,), _ = get(archive_server, tmp_path, ["a.zip"])
    assert outcome.status == "fetched"
    assert path.read_bytes() == body
    assert archive_server.sent["/a.zip"] == len(body)


def test_content_is_checked_as_the_caller_wants(archive_server, tmp_path):
    archive_server.files["/a.img"] = b"good" + bytes(100)
    archive_server.faults["/a.img"] = ["corrupt"]

    def fault(path):
        return None if path.read_bytes() == archive_server.files["/a.img"] else "is not as its label says"

    wanted = Wanted(f"{archive_server.url}/a.img", tmp_path / "a.img", fault=fault)
    (outcome,) = fetch_all([wanted], sleep=lambda s: None, retries=1)
    assert outcome.status == "fetched"
    (tmp_path / "a.img").write_bytes(b"worn")
    archive_server.faults["/a.img"] = ["corrupt"] * 2
    (outcome,) = fetch_all([wanted], sleep=lambda s: None, retries=1)
    assert outcome.status == "broken"
    assert "is not as its label says; set aside as a.img.bad" in outcome.reason
