"""What the archive says of an image's quality: the bits of DATA_QUALITY_ID, and what follows from them."""

from __future__ import annotations

import re

from nightside.formats.nac import QUALITY, EdrLabel

MISSING_PACKETS, BAD_SPICE, BAD_HOUSEKEEPING = 4, 5, 6

_ADVICE = {
    1: "its dark may be another than the library's",
    MISSING_PACKETS: "gaps of zeros are masked as missing",
    BAD_SPICE: "check where its mosaic lies",
    BAD_HOUSEKEEPING: "what DestripeNet expects of it may be wrong; 'denoise' without --destripe does not need it",
}


def quality_bits(label: EdrLabel) -> frozenset[int] | None:
    """Return which bits of DATA_QUALITY_ID are set, counted from 1; None where the label does not tell.

    The text is a number, or eight binary digits.
    """
    text = str(label.raw.get("DATA_QUALITY_ID", "")).strip()
    if re.fullmatch(r"[01]{8}", text):
        value = int(text, 2)
    elif re.fullmatch(r"\d{1,3}", text) and int(text) < 256:
        value = int(text)
    else:
        return None
    return frozenset(bit for bit in range(1, 9) if value >> (bit - 1) & 1)


def quality_warnings(label: EdrLabel) -> list[str]:
    """Return what a user should know of an image that the archive does not find good."""
    text, bits = label.raw.get("DATA_QUALITY_ID"), quality_bits(label)
    if bits is None:
        return [] if text is None else [f"DATA_QUALITY_ID is {text!r}, which is no number of eight bits"]
    return [
        f"DATA_QUALITY_ID is {text}: {what}" + (f"; {_ADVICE[bit]}" if bit in _ADVICE else "")
        for bit, what in QUALITY.items()
        if bit in bits
    ]
