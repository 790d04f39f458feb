"""BagNets at ImageNet size, and evidence maps of any network that ends in average and linear layer.

A BagNet is a ResNet-50 most of whose 3x3 convolutions are 1x1, so that each unit of its last map
sees a patch of 9, 17 or 33 px; the logit is the mean over patches of each patch's evidence (Brendel
and Bethge 2019, arXiv 1904.00760, appendix A). Names in the state dictionary are those of the
published weights (``conv1``, ``layer1.0.conv2``, ``fc``), which therefore load with
``load_state_dict``.

    network = bagnet33()
    evidence = evidence_map(network, images)      # (B, 1000, h, w), its mean over h and w is the
    logit
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from texshape.errors import InputError, nearest

# How many blocks at the head of each of the four stages keep a 3x3 convolution.
BLOCKS_3X3: dict[str, tuple[int, int, int, int]] = {
    "bagnet9": (1, 1, 0, 0),
    "bagnet17": (1, 1, 1, 0),
    "bagnet33": (1, 1, 1, 1),
}
_BLOCKS = (3, 4, 6, 3)
_STRIDES = (2, 2, 2, 1)


class Bottleneck(nn.Module):
    """Bottleneck of a ResNet-50 without padding, around a shortcut cropped to its size."""

    expansion = 4

    def __init__(self, channels: int, width: int, *, kernel: int, stride: int = 1) -> None:
        super().__init__()
        outputs = width * self.expansion
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel, stride=stride, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or channels != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels, outputs, 1, stride=stride, bias=False),
                nn.BatchNorm2d(outputs),
            )

    def forward(self, x: Tensor) -> Tensor:
        inner = self.relu(self.bn1(self.conv1(x)))
        inner = self.relu(self.bn2(self.conv2(inner)))
        inner = self.bn3(self.conv3(inner))
        shortcut = x if self.downsample is None else self.downsample(x)
        # Cropped at the bottom and the right, as the published weights were trained.
        shortcut = shortcut[:, :, : inner.shape[2], : inner.shape[3]]
        return self.relu(inner + shortcut)


class BagNet(nn.Module):
    """ResNet-50 whose units see patches of a few pixels.

    Parameters
    ----------
    blocks_3x3 : sequence of 4 int
        How many blocks at the head of each stage have a 3x3 convolution; 1x1 elsewhere.
    classes : int
        Number of outputs.
    width : float
        Factor on all channels, for controls of equal size.
    """

    def __init__(
        self, blocks_3x3: tuple[int, int, int, int], *, classes: int = 1000, width: float = 1.0
    ) -> None:
        super().__init__()
        stem = round(64 * width)
        self.conv1 = nn.Conv2d(3, stem, 1, bias=False)
        self.conv2 = nn.Conv2d(stem, stem, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(stem, momentum=0.001)
        self.relu = nn.ReLU(inplace=True)
        channels = stem
        for i, (blocks, stride) in enumerate(zip(_BLOCKS, _STRIDES, strict=True)):
            inner = round(64 * 2**i * width)
            layers = []
            for block in range(blocks):
                kernel = 3 if block < blocks_3x3[i] else 1
                layers.append(
                    Bottleneck(channels, inner, kernel=kernel, stride=stride if block == 0 else 1)
                )
                channels = inner * Bottleneck.expansion
            setattr(self, f"layer{i + 1}", nn.Sequential(*layers))
        self.fc = nn.Linear(channels, classes)
        self.stages = {"stem": "relu", **{f"stage{i}": f"layer{i}" for i in (1, 2, 3, 4)}}
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                fan_out = layer.kernel_size[0] * layer.kernel_size[1] * layer.out_channels
                nn.init.normal_(layer.weight, std=math.sqrt(2 / fan_out))

    def features(self, x: Tensor) -> Tensor:
        """Last map before the average: (B, 3, H, W) to (B, channels, h, w)."""
        x = self.relu(self.bn1(self.conv2(self.conv1(x))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.features(x).mean((2, 3)))


def build(name: str, *, classes: int = 1000, width: float = 1.0, seed: int | None = None) -> BagNet:
    """Build a BagNet by name with random weights (those of a seed, where one is given).

    Raises
    ------
    InputError
        If there is no such BagNet.
    """
    if name not in BLOCKS_3X3:
        raise InputError(f"BagNet '{name}' is unknown{nearest(name, BLOCKS_3X3)}")
    if seed is None:
        return BagNet(BLOCKS_3X3[name], classes=classes, width=width)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return BagNet(BLOCKS_3X3[name], classes=classes, width=width)


def bagnet9(**options: Any) -> BagNet:
    """BagNet with patches of 9 px."""
    return build("bagnet9", **options)


def bagnet17(**options: Any) -> BagNet:
    """BagNet with patches of 17 px."""
    return build("bagnet17", **options)


def bagnet33(**options: Any) -> BagNet:
    """BagNet with patches of 33 px."""
    return build("bagnet33", **options)


def evidence_map(module: nn.Module, images: Tensor) -> Tensor:
    """Evidence for each class at each position of a network's last map.

    Works for any network whose logits are a linear layer of the average of a map; that this holds
    is checked on the very images. The mean over positions is the logit, up to rounding.

    Parameters
    ----------
    module : nn.Module
        In evaluation mode.
    images : Tensor of shape (B, 3, H, W)
        Preprocessed.

    Returns
    -------
    Tensor of shape (B, classes, h, w)

    Raises
    ------
    InputError
        If the network does not end in an average over space and a linear layer.
    """
    maps: list[Tensor] = []
    linear: list[tuple[nn.Linear, Tensor, Tensor]] = []

    def note(layer: nn.Module, inputs: tuple, output: Any) -> None:
        if isinstance(layer, nn.Linear) and inputs and inputs[0].ndim == 2:
            linear[:] = [(layer, inputs[0], output)]
        elif isinstance(output, Tensor) and output.ndim == 4 and min(output.shape[2:]) >= 1:
            maps[:] = [*maps[-3:], output]

    hooks = [layer.register_forward_hook(note) for layer in module.modules()]
    try:
        with torch.no_grad():
            logits = module(images)
            for layer, pooled, outputs in linear:
                if outputs.shape != logits.shape or not torch.equal(outputs, logits):
                    continue
                for values in reversed(maps):
                    if values.shape[2:] == (1, 1) and len(maps) > 1:
                        continue  # the pooled values themselves
                    if values.shape[1] == pooled.shape[1] and torch.allclose(
                        values.mean((2, 3)), pooled, rtol=1e-4, atol=1e-6
                    ):
                        evidence = torch.einsum("bchw,kc->bkhw", values, layer.weight)
                        return evidence + (0 if layer.bias is None else layer.bias[:, None, None])
    finally:
        for hook in hooks:
            hook.remove()
    raise InputError(
        f"{type(module).__name__}: no evidence map, since the network does not end in an average "
        "over space followed by a linear layer"
    )
