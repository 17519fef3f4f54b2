"""Which NAC images are used and where they come from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from nightside.config.base import Section

_PRODUCT = re.compile(r"[A-Z]\d{9,10}[LR]E")


def checked_product(entry: str) -> str:
    """Return an entry of a list of products: the id of a NAC EDR, or the address of one.

    Raises:
        ValueError: it is neither; the message says what it may be.
    """
    entry = entry.strip()
    if entry.startswith(("http://", "https://")):
        name = entry.rpartition("/")[2].rpartition(".")[0]
        if _PRODUCT.fullmatch(name.upper()):
            return entry
        raise ValueError(f"{entry}: names no NAC EDR; an address ends like M103595705LE.IMG")
    if _PRODUCT.fullmatch(entry):
        return entry
    if re.fullmatch(r"[A-Z]\d{9,10}[LR]C", entry):
        raise ValueError(f"{entry} is a calibrated product (CDR); its EDR is {entry[:-1]}E")
    if re.fullmatch(r"[A-Z]\d{9,10}[LR]?", entry):
        raise ValueError(f"{entry} lacks the camera; give {entry.rstrip('LR')}LE or {entry.rstrip('LR')}RE")
    raise ValueError(f"{entry!r} is no NAC EDR; give an id such as M103595705LE, or the address of its .IMG")


class Products(Section):
    """A list of EDRs, in the configuration or in a file."""

    products: tuple[str, ...] = Field((), description="ids such as M103595705LE, or addresses of .IMG files")
    products_file: Path | None = Field(
        None, description="text with one of them a line; what follows # is a remark"
    )

    @field_validator("products")
    @classmethod
    def _known(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(checked_product(entry) for entry in entries)

    @property
    def given(self) -> bool:
        """Whether there is a list at all."""
        return bool(self.products) or self.products_file is not None


class NacSource(Products):
    """The origin of the images: the archive, a folder of yours, or the synthetic camera."""

    source: Literal["pds", "local", "synthetic"]
    folder: Path | None = Field(
        None, description="local: where the EDRs lie; pds: where downloads go (default data/nac)"
    )
    summing: Literal[1, 2] = Field(
        2,
        description="mode of the images, the same in a run: 2 where pairs of samples are averaged (2532 a line)",
    )
    darks: Products = Field(Products(), description="EDRs of the unlit Moon, for the library of darks")
    archive_url: str = Field(
        "https://pds.lroc.im-ldi.com/data", description="pds: root of the archive, or of a mirror"
    )
    parallel: int = Field(2, ge=1, le=16, description="requests under way at once; an image has up to 265 MB")
    retries: int = Field(5, ge=0, le=20, description="attempts after a failed one, with growing pauses")
    timeout_s: float = Field(60, gt=0, description="longest silence of the server")
    check_md5: bool = Field(True, description="refuse an image whose MD5 is not its label's")
    keep_truncated: bool = Field(False, description="use the whole lines of an image that ends early")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.source == "local" and self.folder is None:
            raise ValueError("source 'local' needs 'folder', where the EDRs lie")
        if self.source == "pds" and not (self.given or self.darks.given):
            raise ValueError("source 'pds' needs 'products' or 'products_file': which EDRs to fetch")
        return self
