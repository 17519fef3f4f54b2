"""The library of dark frames: real images of the night side, with the housekeeping that their darkness depends on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nightside.camera.companding import NUMBERS, decompand
from nightside.camera.layout import Layout, layout
from nightside.camera.linearity import Linearity
from nightside.camera.pattern_statistics import period_power
from nightside.formats import BadImage
from nightside.formats.nac import EdrLabel, Housekeeping
from nightside.optical.calibrate import Calibration, masked_offset
from nightside.optical.gaps import LOST_RUN, lost_samples
from nightside.optical.survey import refuse_dead

KIND = "nac_darks"

_HOUSEKEEPING = {
    "orbit_number": ("1", "orbit of the spacecraft"),
    "temperature_fpga_c": ("degree_Celsius", "temperature of the electronics"),
    "temperature_fpa_c": ("degree_Celsius", "temperature of the focal plane"),
    "temperature_telescope_c": ("degree_Celsius", "temperature of the telescope"),
    "temperature_scs_c": ("degree_Celsius", "temperature of the sequence and compressor system"),
    "dac_reset_level": ("1", "DAC reset level"),
    "channel_a_offset": ("1", "offset of channel A"),
    "channel_b_offset": ("1", "offset of channel B"),
}


@dataclass(frozen=True)
class DarkFrame:
    """One dark frame.

    Attributes:
        label: of its EDR.
        number: companded, uint8, (line, sample).
    """

    label: EdrLabel
    number: NDArray[np.uint8]


def refuse_lit(number: NDArray[np.uint8], label: EdrLabel, sunlit_dn: float) -> None:
    """Refuse an image that is no dark frame, by what its pixels say: a label does not tell where the Sun stood.

    A scene that is fainter than ``sunlit_dn`` in the mean, and has no bright places, passes: images of shadow lit by
    scattered light are not told from darks here.

    Args:
        number: (line, sample).
        label: of the image.
        sunlit_dn: raw DN above the masked pixels.

    Raises:
        BadImage: it is sunlit, in part or as a whole, saturated, empty, or has gaps.
    """
    name = label.product_id
    refuse_dead(np.bincount(number.ravel(), minlength=NUMBERS), name)
    # A few zeros at the ends of a line may be noise where the bias is low; they are no reason.
    if (lost := lost_samples(number).sum(axis=1)).max() >= LOST_RUN:
        raise BadImage(
            f"{name}: {lost.sum():,} of its pixels hold no data (runs of zeros); a dark frame with gaps teaches wrong levels, "
            "give whole ones"
        )
    where = layout(label.camera, label.summing)
    dn = decompand(number, label.compand_code)
    above = dn[:, slice(*where.scene)] - np.float32(dn[:, where.masked].mean())
    if (mean := float(above.mean())) > sunlit_dn:
        raise BadImage(
            f"{name}: its scene lies {mean:.0f} DN above its masked pixels, so that it is sunlit, not dark; give images "
            "of the night side (or raise optical.calibration.sunlit_dn)"
        )
    # A hot column is bright in every line; a sunlit place is not.
    spots = above - np.median(above, axis=0)
    if (share := float((spots > 5 * sunlit_dn).mean())) > 1e-3:
        raise BadImage(
            f"{name}: {share:.1%} of its pixels are sunlit; give images that lie wholly on the night side"
        )


def darks_dataset(frames: Iterable[DarkFrame], lines: int) -> xr.Dataset:
    """Return the library of frames of one camera and mode, in the order of time.

    Shorter frames are repeated to ``lines``; mean and standard deviation are of the lines kept.

    Raises:
        ValueError: there is no frame, or they are of different cameras or modes.
    """
    chosen = sorted(frames, key=lambda frame: frame.label.start_time)
    modes = {(frame.label.camera, frame.label.summing) for frame in chosen}
    if len(modes) != 1:
        found = ", ".join(f"{camera} summing {summing}" for camera, summing in sorted(modes)) or "none"
        raise ValueError(
            f"darks of one camera and mode make a library, these are of: {found}; give one mode's"
        )
    ((camera, summing),) = modes
    number = np.stack([np.resize(frame.number[:lines], (lines, frame.number.shape[1])) for frame in chosen])
    mean, std = (np.empty((number.shape[0], number.shape[2]), np.float32) for _ in range(2))
    for k, frame in enumerate(chosen):
        dn = decompand(frame.number[:lines], frame.label.compand_code)
        mean[k], std[k] = dn.mean(axis=0, dtype=np.float64), dn.std(axis=0, dtype=np.float64)
    labels = [frame.label for frame in chosen]
    time = np.array([label.start_time for label in labels], "datetime64[ns]")
    coords = {
        "product_id": ("frame", np.array([label.product_id for label in labels], np.dtypes.StringDType())),
        "time": ("frame", time, {"long_name": "start of the image, UTC"}),
        "exposure_ms": (
            "frame",
            [label.exposure_ms for label in labels],
            {"units": "ms", "long_name": "exposure"},
        ),
        "compand_code": (
            "frame",
            [label.compand_code for label in labels],
            {"units": "1", "long_name": "companding table"},
        ),
    }
    for name, (units, long_name) in _HOUSEKEEPING.items():
        values = [getattr(label.housekeeping, name) for label in labels]
        coords[name] = ("frame", values, {"units": units, "long_name": long_name})
    return xr.Dataset(
        {
            "number": (("frame", "line", "sample"), number, {"units": "1", "long_name": "companded number"}),
            "column_mean_dn": (
                ("frame", "sample"),
                mean,
                {"units": "DN", "long_name": "mean of each column"},
            ),
            "column_std_dn": (
                ("frame", "sample"),
                std,
                {"units": "DN", "long_name": "standard deviation of each column in time"},
            ),
        },
        coords=coords,
        attrs={"camera": camera, "summing": summing},
    )


def library_layout(library: xr.Dataset) -> Layout:
    """Return the camera and mode of a library."""
    return layout(library.attrs["camera"], int(library.attrs["summing"]))


def housekeeping_of(library: xr.Dataset, frame: int) -> Housekeeping:
    """Return the housekeeping of one frame."""
    return Housekeeping(**{f.name: library[f.name].values[frame].item() for f in fields(Housekeeping)})


def dark_lines(library: xr.Dataset) -> NDArray[np.float64]:
    """Return the frames' mean lines with their masked offset taken off, DN, (frame, sample)."""
    mean = library["column_mean_dn"].to_numpy().astype(np.float64)
    return mean - masked_offset(mean, library_layout(library))


def averaged_darks(
    library: xr.Dataset, days: float, *, exposure_ms: float | None = None
) -> tuple[NDArray[np.datetime64], NDArray[np.float64], str]:
    """Return times, average dark lines and their provenance, as the archive averages darks month by month.

    Args:
        library: of one camera and mode.
        days: frames no further than this from the first of a group are averaged.
        exposure_ms: of the image to be calibrated: as in the archive, darks of the shortest exposure are for images of
            the shortest exposure, the others for the others, as far as there are any.
    """
    shortest = library["exposure_ms"].to_numpy() < _SHORTEST_MS
    chosen, kind = np.ones(shortest.size, bool), "every exposure"
    if exposure_ms is not None:
        alike = shortest == (exposure_ms < _SHORTEST_MS)
        if alike.any():
            chosen, kind = alike, "the same class of exposure"
    order = np.flatnonzero(chosen)
    time, lines = library["time"].to_numpy().astype("datetime64[ns]")[order], dark_lines(library)[order]
    groups: list[list[int]] = []
    for k in range(time.size):
        if groups and (time[k] - time[groups[-1][0]]) / np.timedelta64(1, "D") <= days:
            groups[-1].append(k)
        else:
            groups.append([k])
    middle = [time[group[0]] + (time[group] - time[group[0]]).mean() for group in groups]
    text = f"{len(groups)} averages of {time.size} frames of the library, of {kind}"
    return np.array(middle, "datetime64[ns]"), np.stack([lines[group].mean(axis=0) for group in groups]), text


def library_calibration(
    library: xr.Dataset,
    *,
    days: float,
    days_max: float,
    exposure_ms: float,
    flat: NDArray[np.float64] | None,
    flat_text: str = "none: taken as 1",
    linearity: Linearity | None = None,
) -> Calibration:
    """Return a calibration whose darks come from the library, and whose other parts are stand-ins unless given."""
    where = library_layout(library)
    time, lines, text = averaged_darks(library, days, exposure_ms=exposure_ms)
    return Calibration(
        layout=where,
        dark_time=time,
        dark_dn=lines,
        flat=np.ones(where.samples) if flat is None else flat,
        linearity=linearity or Linearity.nominal(),
        provenance={
            "dark": text,
            "flat": flat_text,
            "linearity": "given"
            if linearity
            else "nominal, through zero: stand-in for the archive's coefficients",
        },
        days_max=days_max,
    )


def summaries(library: xr.Dataset) -> dict[str, NDArray[np.float64]]:
    """Return what the plots show of each frame, DN: level of the bias, stripes, and the background's pattern."""
    where = library_layout(library)
    scene = slice(*where.scene)
    lines = dark_lines(library)[:, scene]
    mean = library["column_mean_dn"].to_numpy().astype(np.float64)
    power = [max(period_power(line[None], where.phases), 0.0) for line in mean[:, scene]]
    return {
        "bias": mean[:, where.masked].mean(axis=1),
        "stripes": np.array([np.std(line - np.median(line)) for line in lines]),
        "pattern": np.sqrt(np.array(power)),
    }


_SHORTEST_MS = 0.338
