"""The whole configuration, read from YAML and checked before any work begins."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from nightside.config.base import ConfigError, Section, explain
from nightside.config.diviner import DivinerSource, RowFilter
from nightside.config.optical import Optical
from nightside.config.physics import Physics
from nightside.config.region import Region
from nightside.config.synthetic import SyntheticMoon
from nightside.config.thermal import Thermal


class Settings(Section):
    """Everything a run depends on; the same settings on the same machine give the same maps."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", description="results go to results/<name>")
    seed: int = Field(1, ge=0, le=2**31 - 1)
    region: Region | None = Field(None, description="of the maps of temperature; needs 'diviner'")
    diviner: DivinerSource | None = Field(
        None, description="tables of temperature; a run of images alone has neither 'region' nor 'diviner'"
    )
    filter: RowFilter = RowFilter()
    thermal: Thermal = Thermal()
    physics: Physics = Physics()
    optical: Optical | None = None
    synthetic: SyntheticMoon | None = Field(None, description="required where diviner.source is synthetic")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.region is None) != (self.diviner is None):
            lacks = "region" if self.region is None else "diviner"
            raise ValueError(
                f"'region' and 'diviner' belong together, '{lacks}' is missing; a run of images alone has neither"
            )
        if self.diviner is None:
            if self.optical is None:
                raise ValueError(
                    "give 'region' and 'diviner' for temperatures, 'optical' for images, or all three"
                )
            return self
        if self.diviner.source == "synthetic" and self.synthetic is None:
            raise ValueError("source 'synthetic' needs a section 'synthetic' (it may be empty: {})")
        if self.diviner.level == "gcp" and self.thermal.bins.local_time_bins != 96:
            raise ValueError("GCP tables have 96 local-time bins; set thermal.bins.local_time_bins to 96")
        return self

    @property
    def mapped_region(self) -> Region:
        """The region of the maps of temperature.

        Raises:
            ConfigError: the configuration is one of images alone.
        """
        return self.region if self.region is not None else self._no_temperatures("region")

    @property
    def diviner_tables(self) -> DivinerSource:
        """Where the tables of temperature come from.

        Raises:
            ConfigError: the configuration is one of images alone.
        """
        return self.diviner if self.diviner is not None else self._no_temperatures("diviner")

    def _no_temperatures(self, section: str) -> NoReturn:
        raise ConfigError(
            f"configuration '{self.name}' has no section '{section}', only images; add 'region' and 'diviner' to map "
            "temperatures, or ask for 'optical' alone"
        )

    def digest(self) -> str:
        """Return the SHA-256 of the settings, defaults included."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_yaml(self) -> str:
        """Return the settings as YAML that ``load`` reads back."""
        return yaml.safe_dump(self.model_dump(mode="json", exclude_none=True), sort_keys=False)


def load(source: Path | Mapping[str, Any], area: str | None = None) -> Settings:
    """Read and check a configuration.

    Args:
        source: a YAML file, or its content as a mapping.
        area: map this area of interest in place of the configured region and name the run after both.

    Raises:
        ConfigError: the file is absent, is no YAML mapping, or holds a wrong key or value.
    """
    where = str(source) if isinstance(source, Path) else "configuration"
    raw = _read_yaml(source) if isinstance(source, Path) else dict(source)
    if area is not None:
        region = raw.get("region")
        grid = {k: v for k, v in region.items() if k in _GRID_KEYS} if isinstance(region, Mapping) else {}
        raw = {**raw, "name": f"{slug(area)}-{raw.get('name')}", "region": {**grid, "area": area}}
    try:
        return Settings.model_validate(raw)
    except ValidationError as error:
        raise explain(error, Settings, where) from None


_GRID_KEYS = ("projection", "pixels_per_degree", "pixel_m", "area_margin")


def slug(name: str) -> str:
    """Return a name fit for a folder: "King Crater" gives "king-crater"."""
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}); give the path of a YAML file"
        ) from None
    except (yaml.YAMLError, ValueError) as error:  # a date that does not exist is a ValueError
        raise ConfigError(f"{path}: is not YAML: {error}") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: expected a mapping of sections, found {type(raw).__name__}")
    return raw
