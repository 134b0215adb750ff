"""Writes the weights as they ship: matrices as int8 with one fp32 scale a row, in safetensors."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from classifiers.encoder import Network, Shape, expand

SMALL = frozenset({"queries", "verdict", "kinds.weight"})  # heads: a few numbers that decide, kept in fp32


def quantised(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Every large matrix as int8 and NAME.scale, (rows, 1): symmetric, the largest of a row is 127."""
    stored: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if tensor.ndim < 2 or name in SMALL:
            stored[name] = tensor.float().contiguous()
            continue
        scale = tensor.abs().amax(1, keepdim=True).clamp(min=1e-8) / 127
        stored[name] = (tensor / scale).round().to(torch.int8).contiguous()
        stored[f"{name}.scale"] = scale.float().contiguous()
    return stored


def as_shipped(state: Mapping[str, Tensor], exact: bool = False) -> Network:
    """The network that a user would load; `exact` leaves the rounding out, to see what it costs."""
    tensors = {k: v.float() for k, v in state.items()} if exact else expand(quantised(state))
    network = Network(Shape(words=len(tensors["words.weight"]), outputs=len(tensors["bias"])))
    network.load_state_dict(tensors)
    return network.eval().requires_grad_(False)


def write(state: Mapping[str, Tensor], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(save(quantised(state)))
