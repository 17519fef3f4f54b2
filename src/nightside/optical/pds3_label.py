"""The PDS3 label at the head of an image: found in its bytes, parsed, and asked for values of a type, keyword by keyword."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeVar

from pvl.decoder import OmniDecoder
from pvl.exceptions import ParseError, QuantityError
from pvl.grammar import OmniGrammar
from pvl.parser import PVLParser

from nightside.formats import BadImage

LOST = {"UNK", "N/A", "NULL"}
"""What PDS3 writes for a value that is not known, or not applicable."""

_T = TypeVar("_T")
_END = re.compile(rb"^END[ \t]*(?:\r\n|\n|\r|\Z)", re.MULTILINE)


def read_label(head: bytes, path: Path) -> tuple[Pds3Label, int]:
    """Return the label in the first bytes of an image, and the first byte after its line END.

    Args:
        head: the file's beginning, all of the label at least.
        path: the file, for messages.

    Raises:
        BadImage: there is no label, it cannot be parsed, or it describes no image.
    """
    text, end = _label_text(head, path)
    try:
        parsed = _parser().parse(text)
    except (ParseError, QuantityError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise BadImage(f"{path}: its label cannot be read ({reason}); acquire the product again") from None
    return Pds3Label(parsed, path), end


class Pds3Label:
    """Values of a parsed label.

    Each method raises BadImage, with the file and the keyword, where the keyword is absent or of another type.
    ``in_image`` asks for a keyword of the object IMAGE.
    """

    def __init__(self, parsed: Any, path: Path) -> None:
        self.parsed, self.path = parsed, path
        image = parsed.get("IMAGE")
        if not hasattr(image, "keys"):
            raise BadImage(f"{path}: its label has no object IMAGE; it describes no image, give a NAC EDR")
        self.image = image

    def value(self, name: str, *, in_image: bool = False) -> Any:
        """Return a value as it was parsed, without its unit."""
        held = self.image if in_image else self.parsed
        if name not in held:
            raise BadImage(
                f"{self.path}: its label has no {name}; acquire the product again, or give a NAC EDR"
            )
        found = held[name]
        return getattr(found, "value", found)

    def is_lost(self, name: str) -> bool:
        """Say whether the label has the keyword, but no value of it: telemetry may be missing."""
        found = self.value(name)
        return found is None or str(found).strip().upper() in LOST

    def text(self, name: str, *, in_image: bool = False) -> str:
        """Return any value as text."""
        return str(self.value(name, in_image=in_image)).strip()

    def number(self, name: str) -> float:
        """Return a number, without its unit."""
        found = self.value(name)
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise self.fault(name, found, "a number")
        return float(found)

    def whole(self, name: str, *, in_image: bool = False) -> int:
        """Return a whole number."""
        found = self.value(name, in_image=in_image)
        if isinstance(found, bool) or not isinstance(found, int):
            raise self.fault(name, found, "a whole number")
        return found

    def time(self, name: str) -> dt.datetime:
        """Return a date and time, UTC without a time zone."""
        found = self.value(name)
        if not isinstance(found, dt.datetime):
            raise self.fault(name, found, "a date and time")
        return found.replace(tzinfo=None)

    def numbers(self, name: str, kind: Callable[[Any], _T]) -> tuple[_T, ...]:
        """Return a list of numbers, each made a ``kind``."""
        found = self.value(name)
        if not isinstance(found, list | tuple) or not all(isinstance(x, int | float) for x in found):
            raise self.fault(name, found, "a list of numbers")
        return tuple(kind(x) for x in found)

    def fault(self, name: str, found: Any, expected: str) -> BadImage:
        """Return the error that a keyword has another value than ``expected``."""
        return BadImage(f"{self.path}: {name} is {found!r}, expected {expected}; acquire the product again")

    def pointer(self, record_bytes: int) -> int:
        """Return the byte, from 0, where ``^IMAGE`` says that the pixels begin."""
        found = self.parsed.get("^IMAGE")
        value, units = getattr(found, "value", found), getattr(found, "units", "RECORDS")
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise BadImage(
                f"{self.path}: ^IMAGE is {found!r}, no place in this file; give the product with its label attached"
            )
        return value - 1 if str(units).upper() == "BYTES" else (value - 1) * record_bytes

    def others(self, known: Collection[str]) -> dict[str, Any]:
        """Return the keywords that are not among the known ones, as text, numbers and lists."""
        every = [*self.parsed.items(), *self.image.items()]
        return {name: _plain(value) for name, value in every if name not in known and name != "IMAGE"}


def _plain(value: Any) -> Any:
    if hasattr(value, "units"):
        return _plain(value.value)
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None).isoformat(
            timespec="milliseconds" if value.microsecond else "seconds"
        )
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value if isinstance(value, int | float | str) else str(value)


def _parser() -> PVLParser:
    """Return a parser of both dialects: pvl's own choice is more lenient, and never ends on some damaged labels."""
    grammar = OmniGrammar()
    return PVLParser(grammar=grammar, decoder=OmniDecoder(grammar=grammar))


def _label_text(head: bytes, path: Path) -> tuple[str, int]:
    if head.lstrip()[:8].upper().startswith(b"OBJECT"):
        raise BadImage(f"{path}: is an ISIS cube, not an EDR; give the archive's .IMG from which it was made")
    if not head.startswith(b"PDS_VERSION_ID"):
        raise BadImage(
            f"{path}: has no PDS3 label (it does not begin with PDS_VERSION_ID); give a NAC EDR of the archive, "
            "such as M103595705LE.IMG"
        )
    found = _END.search(head)
    if found is None:
        raise BadImage(f"{path}: its label has no line END; the file is cut off or no EDR, acquire it again")
    try:
        return head[: found.end()].decode("ascii"), found.end()
    except UnicodeDecodeError as error:
        raise BadImage(
            f"{path}: byte {error.start} of its label is not ASCII; the file is damaged, acquire it again"
        ) from None
