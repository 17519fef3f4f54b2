"""What a region's report says of its inputs: rows counted, files set aside, digests and versions."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from html import escape
from importlib import metadata
from pathlib import Path
from typing import Any

from nightside._version import __version__
from nightside.config import Settings
from nightside.style import table

Manifests = Mapping[str, Mapping[str, Any]]
"""Of each store by name, as :func:`nightside.store.read_manifest` gives them."""

_LIBRARIES = ("numpy", "scipy", "torch", "xarray", "zarr", "matplotlib")


def row_counters(manifests: Manifests) -> str:
    """Return how many rows of tables were kept and refused, added up over all stores."""
    total: dict[str, int] = {}
    for details in _details(manifests):
        for name, count in (details.get("rows") or {}).items():
            total[name] = total.get(name, 0) + int(count)
    rows = [(escape(name.replace("_", " ")), f"{count:,}") for name, count in total.items()]
    return table(("Rows", "Number"), rows) if rows else '<p class="note">No row counters were recorded.</p>'


def set_aside(manifests: Manifests) -> str:
    """Return the inputs that were set aside or not acquired, with the reason."""
    rows = [
        (f"<code>{escape(Path(str(name)).name)}</code>", escape(str(reason)))
        for details in _details(manifests)
        for kind in ("set_aside", "not_acquired")
        for name, reason in _reasons(details.get(kind))
    ]
    if not rows:
        return '<p class="note">No input was set aside.</p>'
    return table(("Set aside", "Why"), rows)


def provenance(settings: Settings, manifests: Manifests) -> str:
    """Return seed, configuration, versions and the digests of stores and their inputs."""
    libraries = ", ".join(f"{name} {metadata.version(name)}" for name in _LIBRARIES if _installed(name))
    rows = [
        ("Seed", str(settings.seed)),
        ("Configuration", f"<code>{settings.digest()}</code>"),
        ("Versions", escape(f"nightside {__version__}, Python {platform.python_version()}, {libraries}")),
    ]
    for name, manifest in manifests.items():
        made_from = "".join(
            f"<br><span class='note'>from {escape(source)} <code>{escape(str(digest))[:16]}</code></span>"
            for source, digest in (manifest.get("inputs") or {}).items()
        )
        rows.append((escape(name), f"<code>{escape(str(manifest.get('digest', '')))}</code>{made_from}"))
    return table(("What", "Which"), rows)


def _reasons(found: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(found, Mapping):
        return found.items()
    return [(item, "could not be acquired") for item in found or []]


def _details(manifests: Manifests) -> Iterable[Mapping[str, Any]]:
    return (manifest.get("details") or {} for manifest in manifests.values())


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
