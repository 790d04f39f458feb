"""Names of networks as figures, article and report print them."""

from __future__ import annotations

ARCHITECTURES = {
    "cnn": "CNN",
    "rf9": "RF 9",
    "rf9-wide": "RF 9 wide",
    "rf17": "RF 17",
    "rf33": "RF 33",
    "resnet8": "ResNet-8",
    "resnet14": "ResNet-14",
    "resnet20": "ResNet-20",
    "resnet32": "ResNet-32",
    "bagnet9": "BagNet-9",
    "bagnet17": "BagNet-17",
}

# Names as their authors write them, of networks that are not trained here.
NAMES = {
    **ARCHITECTURES,
    "alexnet": "AlexNet",
    "googlenet": "GoogLeNet",
    "vgg": "VGG-16",
    "resnet50": "ResNet-50",
    "bagnet33": "BagNet-33",
    "swag_vit_b16_in1k": "SWAG ViT-B/16",
    "swag_vit_l16_in1k": "SWAG ViT-L/16",
    "swag_vit_h14_in1k": "SWAG ViT-H/14",
    "swag_regnety_16gf_in1k": "SWAG RegNetY-16GF",
    "swag_regnety_32gf_in1k": "SWAG RegNetY-32GF",
    "swag_regnety_128gf_in1k": "SWAG RegNetY-128GF",
    "efficientnet-lite0": "EfficientNet-Lite0",
    "efficientnet-lite1": "EfficientNet-Lite1",
    "efficientnet-lite2": "EfficientNet-Lite2",
}


def printed(architecture: str) -> str:
    """An architecture as its authors write it; *(read-out)* stands behind one that decides by one.

    >>> printed("resnet50"), printed("readout-resnet50"), printed("mine")
    ('ResNet-50', 'ResNet-50 (read-out)', 'mine')
    """
    network = architecture.removeprefix("readout-")
    name = NAMES.get(network, network)
    return name if network == architecture else f"{name} (read-out)"
