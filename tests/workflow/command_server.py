"""Run ``nightside`` commands, each in a process of its own that is forked with the libraries already loaded.

Reads one JSON object a line, {"folder", "arguments", "log", "events", "kill_at"}, and answers with the exit status of each,
negative where a signal ended it. In the child, every change of a file in ``folder`` (open for writing, rename,
removal, new folder) is an event: it is written as a line to the file ``events``, and before the one that
``kill_at`` numbers, or matches as a regular expression, the process gets SIGKILL.
"""

import json
import os
import re
import signal
import sys
import traceback
from pathlib import Path

import nightside.cli
import nightside.optical.models
import nightside.optical.mosaic
import nightside.optical.report_commands
import nightside.physics_room.invert_maps
import nightside.synthetic.write
import nightside.thermal.beside_physics
import nightside.thermal.evaluate
import nightside.thermal.figures
import nightside.thermal.ingest
import nightside.thermal.profiles
import nightside.thermal.report
import nightside.thermal.training

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir"}


def watch(folder: str, events: int, kill_at: int | str | None) -> None:
    """Log the changes of files in ``folder`` and end the process before that of ``kill_at``."""
    seen = 0

    def hook(event: str, arguments: tuple) -> None:
        nonlocal seen
        if event == "open":
            mode, flags = arguments[1:3]
            writes = bool(set(mode or "") & set("wax+")) or bool((flags or 0) & (os.O_WRONLY | os.O_RDWR))
        else:
            writes = event in CHANGES
        if not writes or isinstance(arguments[0], int):
            return
        path = Path(folder, os.fsdecode(arguments[0]))
        if not path.is_relative_to(folder):
            return
        line = f"{event} {path.relative_to(folder)}"
        if seen == kill_at or (isinstance(kill_at, str) and re.fullmatch(kill_at, line)):
            os.kill(os.getpid(), signal.SIGKILL)
        seen += 1
        os.write(events, f"{line}\n".encode())

    sys.addaudithook(hook)


def child(job: dict) -> None:
    """Be the command."""
    os.chdir(job["folder"])
    log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    events = os.open(job["events"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    watch(job["folder"], events, job["kill_at"])
    sys.argv = ["nightside", *job["arguments"]]
    status = 1
    try:
        nightside.cli.main()
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    sys.stdout.flush()
    os._exit(status)


for line in sys.stdin:
    process = os.fork()
    if process == 0:
        child(json.loads(line))
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
