"""``nightside view``: a results folder as a map in the browser."""

from __future__ import annotations

import json
import webbrowser
from pathlib import Path
from typing import Annotated

import typer


def view(
    results: Annotated[Path, typer.Argument(help="folder of a run, such as results/demo")],
    host: Annotated[
        str, typer.Option(help="address to listen at; beyond 127.0.0.1 others can read the results")
    ] = ("127.0.0.1"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 is any free one")] = 0,
    browser: Annotated[bool, typer.Option(help="open a browser")] = True,
    export: Annotated[
        Path | None, typer.Option(help="write the page into this folder, for any web server, and stop")
    ] = None,
    threshold: Annotated[float, typer.Option(help="anomaly score from which ground is outlined")] = 5.0,
    min_area: Annotated[float, typer.Option(min=0, help="smallest anomaly, in square kilometres")] = 0.0,
) -> None:
    """Show maps, mosaics, profiles and anomalies on a web map."""
    from nightside.store import warn
    from nightside.viewer.page import PAGE, page_files
    from nightside.viewer.page import export as export_page
    from nightside.viewer.server import Server

    made = page_files(results, threshold, min_area, copied=export is not None)
    for said in json.loads(made["view.json"])["warnings"]:
        warn(said)
    if export is not None:
        export_page(results, made, export)
        typer.echo(f"written to {export}: serve it with any web server")
        return
    try:
        server = Server(results, PAGE, made, host, port)
    except OSError as error:
        raise ValueError(
            f"cannot listen at {host}, port {port}: {error.strerror}; give another --port (0 is any free one), or as --host an "
            "IPv4 address of this machine"
        ) from None
    typer.echo(f"{server.url}  (Ctrl+C ends it)")
    if browser:
        webbrowser.open(server.url)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
