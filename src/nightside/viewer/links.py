"""What lies behind a link out of the results folder, which the server does not follow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nightside.store import NotFinished
from nightside.store.links import way_out
from nightside.viewer.layers import file_of


def within(view: dict[str, Any], results: Path) -> dict[str, Any]:
    """Return a catalogue without the files that a link leads out of the folder to; each link is named in ``warnings``.

    Raises:
        NotFinished: no layer is left.
    """
    links: set[Path] = set()

    def inside(*urls: str) -> bool:
        out = [link for url in urls if (link := way_out(results, file_of(url)))]
        links.update(out)
        return not out

    layers = [layer for layer in view["layers"] if inside(layer["url"])]
    shown, profiles, pair = {layer["id"] for layer in layers}, view["profiles"], view["compare"]
    if profiles is not None:
        model = profiles["model"]
        if model is not None and not inside(model["maps"], model["weights"]):
            model = None
        profiles = {**profiles, "model": model} if inside(profiles["url"]) else None
    told = [
        f"{link} is a link to {link.resolve()}, out of the results folder, where the server does not follow it: what lies "
        f"there is not shown; write a page with a copy of it, 'nightside view {results} --export FOLDER', for any web server, "
        "or move it into the folder"
        for link in sorted(links)
    ]
    if not layers:
        raise NotFinished("\n".join(told))
    return {
        **view,
        "layers": layers,
        "profiles": profiles,
        "compare": pair if pair is not None and shown.issuperset(pair) else None,
        "warnings": [*view["warnings"], *told],
    }
