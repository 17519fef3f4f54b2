"""The periodic state of many columns with torch, on a CPU or a GPU: the steps of ``column`` on whole batches.

Each line of a step is one operation on the places of a batch, (n,) or (nodes, n), so that what it costs to start
an operation is shared by tens of thousands of places. Sunlight is computed on the CPU.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from nightside.physics import column, periodic
from nightside.physics.sunlight import locate, step_sunlight

Float = NDArray[np.float64]
Tensor = torch.Tensor

BATCH = 65_536
"""Places of a batch; their steps are 770 MB in double precision."""

_SINGLE_NEWTON_TOLERANCE_K = 1e-3


def solve(
    columns: periodic.Columns,
    guess: Float,
    inverse: Float,
    steps: int,
    instants_s: Float,
    *,
    tolerance_k: float,
    max_days: int,
    device: str,
    precision: str,
) -> periodic.Periodic:
    """Find the periodic state of every place: :func:`nightside.physics.periodic.solve` on a torch ``device``.

    ``precision`` is "float64" or "float32". Raises ValueError where torch does not know or have the device.
    """
    try:
        target = torch.empty(0, device=device, dtype=getattr(torch, precision))
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device is {device!r}, which torch cannot use: {error}") from None
    with torch.inference_mode():
        parts = [
            _solve_batch(
                periodic.part(columns, members), guess[:, members], inverse, steps, instants_s, tolerance_k, max_days,
                target,
            )
            for members in periodic.chunks(guess.shape[1], BATCH)
        ]  # fmt: skip
    return periodic.Periodic(*(np.concatenate(results) for results in zip(*parts, strict=True)))


def _solve_batch(
    columns: periodic.Columns,
    guess: Float,
    reference_inverse: Float,
    steps: int,
    instants_s: Float,
    tolerance: float,
    max_days: int,
    like: Tensor,
) -> periodic.Periodic:
    nodes, places = guess.shape
    surface_out = np.full((places, instants_s.size), np.nan)
    midnight_out = np.full((places, nodes), np.nan)
    residual_out, days_out = np.full(places, np.nan), np.zeros(places, np.int64)
    status_out = np.full(places, column.NOT_PERIODIC, np.int8)
    if not places:
        return periodic.Periodic(surface_out, midnight_out, residual_out, days_out, status_out)

    def tensor(values: Float) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(like)

    newton_tolerance = (
        column.NEWTON_TOLERANCE_K if like.dtype == torch.float64 else _SINGLE_NEWTON_TOLERANCE_K
    )

    # Places leave the batch when they are done; ``index`` are those that remain.
    index = np.arange(places)
    daylight = step_sunlight(columns, steps, 1)
    first_of, weights = locate(daylight.length, daylight.ratio, places, instants_s)
    first, shares = torch.from_numpy(first_of.T.copy()).to(like.device), tensor(weights.T)
    sunlight, length, ratio = (tensor(x[:, :, 0].T) for x in daylight)
    mass = tensor(columns.capacity)
    conductance, emission, start = tensor(columns.conductance), tensor(columns.emission), tensor(guess)
    inverse = tensor(reference_inverse).expand(places, nodes, nodes).clone()
    step, before = torch.zeros_like(start), torch.zeros_like(start)
    for days in range(1, max_days + 1):
        surface, end, change = day(
            start, sunlight, length, ratio, mass, conductance, emission, columns.ground
        )
        g = end - start
        residual = g.abs().amax(dim=0)
        finite, balanced = torch.isfinite(residual), change < newton_tolerance
        is_periodic = residual < tolerance
        done = is_periodic & balanced
        status = torch.full_like(residual, column.NOT_PERIODIC)
        status[is_periodic] = column.SURFACE_NOT_BALANCED
        status[done] = column.PERIODIC
        status[~finite] = column.NOT_FINITE
        residual_out[index], days_out[index] = residual.cpu().numpy(), days
        status_out[index] = status.cpu().numpy()
        found = index[done.cpu().numpy()]
        ends, steps_at = surface[:, done], (first[:, done] + j for j in range(4))
        read = [w * ends.gather(0, at % len(ends)) for at, w in zip(steps_at, shares[..., done], strict=True)]
        surface_out[found] = sum(read).T.cpu().numpy()
        midnight_out[found] = start[:, done].T.cpu().numpy()

        keep = ~done & finite
        index = index[keep.cpu().numpy()]
        if not index.size:
            break
        start, g, inverse = start[:, keep], g[:, keep], inverse[keep]
        step, before = step[:, keep], before[:, keep]
        sunlight, length, ratio, mass, conductance, emission, first, shares = (
            x[..., keep] for x in (sunlight, length, ratio, mass, conductance, emission, first, shares)
        )
        if days > 1:
            inverse = _broyden(inverse, step.T, (g - before).T)
        correction = -torch.einsum("nij,jn->in", inverse, g)
        limit = column.LARGEST_CORRECTION_K
        step = torch.maximum(correction.clamp(-limit, limit), column.MINIMUM_TEMPERATURE_K - start)
        start, before = start + step, g
    return periodic.Periodic(surface_out, midnight_out, residual_out, days_out, status_out)


def _broyden(inverse: Tensor, step: Tensor, image: Tensor) -> Tensor:
    """Return ``inverse`` (n, nodes, nodes) changed by rank one, so that it maps ``image`` to ``step`` (n, nodes)."""
    mapped = torch.einsum("nij,nj->ni", inverse, image)
    row = torch.einsum("ni,nij->nj", step, inverse)
    scale = (step * mapped).sum(dim=1, keepdim=True)
    usable = scale.abs() > torch.finfo(scale.dtype).tiny
    factor = torch.where(usable, (step - mapped) / torch.where(usable, scale, 1.0), 0.0)
    return torch.baddbmm(inverse, factor[:, :, None], row[:, None, :])


def day(
    start: Tensor,
    sunlight: Tensor,
    length: Tensor,
    ratio: Tensor,
    mass: Tensor,
    conductance: Tensor,
    emission: Tensor,
    ground: Float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Carry columns through one day: :func:`nightside.physics.column.day` on tensors.

    ``start`` (nodes, n) in K at midnight; ``sunlight``, ``length`` and ``ratio`` (steps, n) are those of
    :class:`nightside.physics.sunlight.Daylight`; ``mass`` (nodes, n), kg m-2; ``conductance`` (nodes - 1, n); ``emission`` (n); ``ground`` as there. Returns
    the surface temperatures (steps, n), those of the nodes at the end (nodes, n), and the largest last change of
    the surface's Newton iterations (n), all in K.
    """
    nodes = start.shape[0]
    chi, bottom_flux, floor = (float(x) for x in ground[:3])
    coefficients = [float(x) for x in ground[3:]]
    surface = torch.empty_like(sunlight)
    change = torch.zeros_like(emission)
    now, before = start, start
    heat_now, _ = _enthalpy(now, coefficients, floor)
    heat_before = heat_now
    alpha, beta = torch.empty_like(start), torch.empty_like(start)
    for step in range(sunlight.shape[0]):
        r = ratio[step]
        rate = 1.0 / (length[step] * (1.0 + r))
        a0, a1, a2 = (1.0 + 2.0 * r) * rate, -(1.0 + r) * (1.0 + r) * rate, r * r * rate
        ahead = torch.clamp(torch.addcmul(now, r, now - before), min=column.MINIMUM_TEMPERATURE_K)
        heat, capacity = _enthalpy(ahead, coefficients, floor)
        face = 0.5 * (ahead[1:] + ahead[:-1])
        link = torch.addcmul(conductance, conductance * chi, face * face * face)
        right = torch.addcmul(heat, capacity, ahead, value=-1.0).mul_(a0).addcmul_(heat_now, a1)
        right.addcmul_(heat_before, a2).mul_(-mass)
        right[0] += sunlight[step]
        right[-1] += bottom_flux
        diagonal = (a0 * mass).mul_(capacity)
        diagonal[:-1] += link
        diagonal[1:] += link
        # T[i] = alpha[i] + beta[i] T[i - 1], from the bottom to the node below the surface.
        bottom = nodes - 1
        alpha[bottom] = right[bottom] / diagonal[bottom]
        beta[bottom] = link[bottom - 1] / diagonal[bottom]
        for i in range(bottom - 1, 0, -1):
            pivot = torch.addcmul(diagonal[i], link[i], beta[i + 1], value=-1.0)
            torch.div(torch.addcmul(right[i], link[i], alpha[i + 1]), pivot, out=alpha[i])
            torch.div(link[i - 1], pivot, out=beta[i])
        slope = torch.addcmul(diagonal[0], link[0], beta[1], value=-1.0)
        supply = torch.addcmul(right[0], link[0], alpha[1]).clamp_(min=column.LEAST_FLUX)
        top, last = _balance(ahead[0], slope, supply, emission)
        change = torch.maximum(change, last)
        following = torch.empty_like(now)
        following[0] = top
        for i in range(1, nodes):
            torch.addcmul(alpha[i], beta[i], following[i - 1], out=following[i])
        before, now = now, following
        heat_before = heat_now
        heat_now, _ = _enthalpy(now, coefficients, floor)
        surface[step] = top
    return surface, now, change


def _balance(start: Tensor, slope: Tensor, supply: Tensor, emission: Tensor) -> tuple[Tensor, Tensor]:
    """Solve slope T + emission T^4 = supply by Newton's method, and return T and its last change, in K."""
    bound = torch.minimum(supply / slope, (supply / emission).sqrt().sqrt())
    t, delta = start, start
    for _ in range(column.NEWTON_ITERATIONS):
        cubed = emission * t * t * t
        delta = (supply - (slope + cubed) * t) / torch.add(slope, cubed, alpha=4.0)
        t = torch.minimum(t + delta, bound)
    return t, delta.abs()


def _enthalpy(t: Tensor, c: list[float], floor: float) -> tuple[Tensor, Tensor]:
    """Return the enthalpy (J kg-1, from 0 K) and the heat capacity, which is constant below ``floor``."""
    x = t.clamp(min=floor)
    capacity = (((x * c[4] + c[3]).mul_(x) + c[2]).mul_(x) + c[1]).mul_(x).add_(c[0])
    heat = (((x * (c[4] / 5) + c[3] / 4).mul_(x) + c[2] / 3).mul_(x) + c[1] / 2).mul_(x).add_(c[0]).mul_(x)
    return torch.addcmul(heat, capacity, t - x), capacity
