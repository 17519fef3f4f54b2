"""Both networks on a GPU: samples and pixels a second, and which part of the card's limits they reach.

The limits are measured in the same run, before and after: one large matrix product, in bfloat16 where the device
multiplies in it and in single precision, and one large copy. The autoencoder trains as users train it
(``nightside.learning.fit``, batches from memory), at the default batch and at a large one, and encodes and decodes maps;
PhotonNet trains and denoises tiles that lie on the card, so that its rate is the network's, not that of the processor that
makes patches. FLOP are PyTorch's count of a pass (a multiply-add is two); the traffic is what its layers would move if each
read its input and weights and wrote its output once, three times that in training: fused layers move less.

Run: python benchmarks/gpu.py; --device cpu checks the benchmark itself, on one thread or as many as OMP_NUM_THREADS says.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from scaling import days, timed_training
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nightside.config.thermal import Training, Vae
from nightside.learning import fast_autocast, multiplies_in_bf16
from nightside.optical.models import SHIPPED, load_photon_net
from nightside.optical.photon_net import CHANNELS, PhotonNet
from nightside.optical.photon_training import PhotonTraining
from nightside.store import write_json
from nightside.thermal.model import ProfileModel

OUT = Path(__file__).resolve().parents[1] / "results/benchmarks/gpu.json"
PATCH = 96
"""Side of a training patch, pixels."""

SIZES = {
    "cuda": {"matmul": 8192, "copy_mb": 2048, "profiles": 400_000, "batch": 4096, "patches": 64, "tiles": 8},
    "cpu": {"matmul": 1024, "copy_mb": 256, "profiles": 4000, "batch": 1024, "patches": 4, "tiles": 1},
}
"""Of the work, so that it fills the device and ends soon."""


def rate(call: Callable[[], Any], amount: float, device: str, seconds: float) -> float:
    """Return the amount done in a second: the best of as many repeats as fit into ``seconds``, at least three."""

    def once() -> float:
        _wait(device)
        began = time.perf_counter()
        call()
        _wait(device)
        return time.perf_counter() - began

    once(), once()  # compiles, fills caches, chooses kernels
    until, times = time.perf_counter() + seconds, []
    while len(times) < 3 or time.perf_counter() < until:
        times.append(once())
    return amount / min(times)


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def limits(device: str, seconds: float) -> dict[str, float]:
    """Return TFLOP/s of a matrix product, and TB/s of a copy, which reads and writes."""
    size, found = SIZES[device]["matmul"], {}
    for kind in (torch.bfloat16, torch.float32):
        if kind is torch.bfloat16 and not multiplies_in_bf16(device):
            continue  # emulated: slower than single precision
        a, b = (torch.randn(size, size, device=device, dtype=kind) for _ in range(2))
        name = str(kind).removeprefix("torch.")
        found[f"matmul_{name}_tflop_per_s"] = rate(lambda a=a, b=b: a @ b, 2e-12 * size**3, device, seconds)
    source = torch.ones(SIZES[device]["copy_mb"] * 2**18, device=device)
    target = torch.empty_like(source)
    found["copy_tb_per_s"] = rate(lambda: target.copy_(source), 8e-12 * source.numel(), device, seconds)
    return found


def cost(network: nn.Module, call: Callable[[], Any], element: int) -> tuple[float, float]:
    """Return the FLOP of one call, and the bytes that its layers read and write, ``element`` bytes a number."""
    moved = 0

    def seen(layer: nn.Module, given: tuple[Any, ...], made: Any) -> None:
        nonlocal moved
        tensors = [*given, made, *layer.parameters(recurse=False)]
        moved += element * sum(t.numel() for t in tensors if isinstance(t, torch.Tensor))

    hooks = [m.register_forward_hook(seen) for m in network.modules() if not any(m.children())]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        call()
    for hook in hooks:
        hook.remove()
    return float(counter.get_total_flops()), float(moved)


def autoencoder(device: str, seconds: float) -> dict[str, Any]:
    """Return the speed of training and of mapping, profiles a second, and the cost of one."""
    sizes = SIZES[device]
    precision = "bf16-mixed" if multiplies_in_bf16(device) else "32-true"
    found: dict[str, Any] = {}
    for batch in (Training().batch_size, sizes["batch"]):
        with tempfile.TemporaryDirectory() as name:
            made = timed_training(
                Path(name), processes=1, profiles=sizes["profiles"], batch_size=batch, precision=precision
            )
        found[f"train_batch_{batch}"] = made["amount"] / made["wall_s"]
    temperature, std = days(sizes["profiles"])
    model = ProfileModel.for_profiles(temperature, std, Vae(objective="beta_vae"), None).eval().to(device)
    # In single precision, as nightside maps, from the processor's memory and back.
    found["map"] = rate(lambda: model.reconstruct(temperature, std), sizes["profiles"], device, seconds)
    some = [torch.from_numpy(v[:1000]).to(device) for v in (temperature, std)]
    flop, moved = cost(model, lambda: model.decode(model.encode(*some).mean), _element(device))
    # Half as many of the library join each batch of the region.
    return {"per_s": found, "flop": flop / 1000, "bytes": moved / 1000, "rows": 1.5}


def photon_net(device: str, seconds: float) -> dict[str, Any]:
    """Return the speed of PhotonNet, pixels a second, and the cost of one."""
    sizes, (shipped, _) = SIZES[device], load_photon_net(SHIPPED)
    network = shipped.eval().to(device, memory_format=torch.channels_last)
    found = {}

    def images(number: int, side: int) -> torch.Tensor:
        made = torch.randn(number, CHANNELS, side, side, device=device)
        made[:, 2] = 0.5  # a signal's level
        return made.contiguous(memory_format=torch.channels_last)

    for side in (256, 512):
        tiles = images(sizes["tiles"], side)
        with torch.inference_mode(), fast_autocast(device):
            found[f"denoise_tile_{side}"] = rate(
                lambda tiles=tiles: network(tiles), sizes["tiles"] * side**2, device, seconds
            )
    training = PhotonTraining(PhotonNet(), 8e-4, 1000).to(device)
    optimiser = torch.optim.AdamW(training.network.parameters(), 8e-4)
    for number in (8, sizes["patches"]):
        noise = torch.randn(number, PATCH, PATCH, device=device)
        batch = (images(number, PATCH), noise, torch.ones_like(noise), torch.zeros_like(noise))

        def step(batch: Any = batch) -> None:
            optimiser.zero_grad(set_to_none=True)
            with fast_autocast(device):
                loss = training.training_step(batch, 0)
            loss.backward()
            nn.utils.clip_grad_norm_(training.network.parameters(), 1.0)
            optimiser.step()
            training.on_train_batch_end(None, batch, 0)

        found[f"train_batch_{number}"] = rate(step, number * PATCH**2, device, seconds)
    flop, moved = cost(network, lambda: network(images(1, 256)), _element(device))
    return {"per_s": found, "flop": flop / 256**2, "bytes": moved / 256**2, "rows": 1.0}


def _element(device: str) -> int:
    return 2 if multiplies_in_bf16(device) else 4


def of_limits(made: dict[str, Any], limit: dict[str, float]) -> dict[str, dict[str, float]]:
    """Return of each speed which part of the fastest matrix product and of the copy it reaches."""
    tflop_per_s = max(v for k, v in limit.items() if k.startswith("matmul"))
    found = {}
    for name, per_s in made["per_s"].items():
        # Backward costs twice what forward does.
        passes = 3 * made["rows"] if name.startswith("train") else 1
        found[name] = {
            "per_s": per_s,
            "of_matmul": passes * per_s * made["flop"] / (1e12 * tflop_per_s),
            "of_copy": passes * per_s * made["bytes"] / (1e12 * limit["copy_tb_per_s"]),
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=list(SIZES), default="cuda")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each speed")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    device = options.device
    if device == "cuda" and not torch.cuda.is_available():
        raise SystemExit(
            f"PyTorch {torch.__version__} finds no GPU here; run where there is one, with a build of PyTorch for it"
            " (scripts/install), or check this benchmark itself with --device cpu"
        )
    if device == "cpu" and torch.cuda.is_available():
        raise SystemExit(
            "training takes the GPU that is here; hide it with CUDA_VISIBLE_DEVICES= for --device cpu"
        )
    warnings.filterwarnings("ignore", message=".*self.trainer.*")  # PhotonNet's step logs to none
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    load_average = os.getloadavg()[0]
    before = limits(device, options.seconds)
    networks = {"autoencoder": autoencoder(device, options.seconds)}
    networks["PhotonNet"] = photon_net(device, options.seconds)
    after = limits(device, options.seconds)
    limit = {name: max(value, after[name]) for name, value in before.items()}
    report = {
        "benchmark": "gpu",
        "device": torch.cuda.get_device_name()
        if device == "cuda"
        else platform.processor() or platform.machine(),
        "arithmetic": "bfloat16" if multiplies_in_bf16(device) else "float32",
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "load_average_at_start": load_average,
        "limits": limit,
        "figures": {
            name: {"flop": made["flop"], "bytes": made["bytes"], "speeds": of_limits(made, limit)}
            for name, made in networks.items()
        },
    }
    print(
        f"{report['device']}, {report['arithmetic']}: {', '.join(f'{k} {v:.3g}' for k, v in limit.items())}"
    )
    print("| network | work | a second | of the matrix product | of the copy |\n|---|---|---|---|---|")
    for name, made in report["figures"].items():
        for work, speed in made["speeds"].items():
            unit = "Mpixel" if name == "PhotonNet" else "k profiles"
            scale = 1e6 if name == "PhotonNet" else 1e3
            print(
                f"| {name} | {work} | {speed['per_s'] / scale:.3g} {unit} | {speed['of_matmul']:.1%} |"
                f" {speed['of_copy']:.1%} |"
            )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(options.out, report)
    print(f"written: {options.out}")


if __name__ == "__main__":
    main()
