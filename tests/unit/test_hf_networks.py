"""Networks of transformers from a folder, of random weights: preprocessing, labels, stages, and faults."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from texshape.errors import InputError
from texshape.features.extract import activations
from texshape.models import cards, imagenet
from texshape.models.identity import identity
from texshape.models.loading import load
from texshape.models.names import slug

transformers = pytest.importorskip("transformers")
SIDE = 32
SMALL = {
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "hidden_size": 16,
}


def saved(folder, kind, config, processor=None):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        module = kind(config).eval()
    module.save_pretrained(folder)
    if processor is not None:
        processor.save_pretrained(folder)
    return module


def vit(folder, kind=None, processor=True, **changes):
    size = {"height": SIDE, "width": SIDE}
    given = {"image_size": SIDE, "patch_size": 8, "num_labels": 5, **SMALL, **changes}
    return saved(
        folder,
        kind or transformers.ViTForImageClassification,
        transformers.ViTConfig(**given),
        transformers.ViTImageProcessor(size=size, image_mean=[0.4, 0.5, 0.6], image_std=[0.2, 0.3, 0.4])
        if processor
        else None,
    )  # fmt: skip


def convnext(folder):
    config = transformers.ConvNextConfig(
        hidden_sizes=[4, 8, 8, 16], depths=[1, 1, 1, 1], image_size=SIDE, num_labels=5
    )
    processor = transformers.ConvNextImageProcessor(size={"shortest_edge": SIDE})
    return saved(folder, transformers.ConvNextForImageClassification, config, processor)


def resnet(folder):
    config = transformers.ResNetConfig(
        embedding_size=4, hidden_sizes=[4, 8, 8, 16], depths=[1] * 4, layer_type="basic", num_labels=5
    )  # fmt: skip
    processor = transformers.ConvNextImageProcessor(size={"shortest_edge": 64})
    return saved(folder, transformers.ResNetForImageClassification, config, processor)


def swin(folder):
    config = transformers.SwinConfig(
        embed_dim=8, depths=[1] * 4, num_heads=[2] * 4, window_size=2, image_size=64, patch_size=2, num_labels=5
    )  # fmt: skip
    processor = transformers.ViTImageProcessor(size={"height": 64, "width": 64})
    return saved(folder, transformers.SwinForImageClassification, config, processor)


def pictures(count=3):
    return np.random.default_rng(0).integers(0, 256, (count, 48, 48, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("build", "stages", "side"),
    [
        (vit, ["block01", "block02"], SIDE),
        (convnext, ["stage1", "stage2", "stage3", "stage4"], SIDE),
        (resnet, ["stage1", "stage2", "stage3", "stage4"], 64),
        (swin, ["stage1", "stage2", "stage3", "stage4"], 64),
    ],
)
def test_a_classifier_answers_as_transformers_does(tmp_path, build, stages, side):
    module = build(tmp_path / "net")
    network = load(f"hf:{tmp_path / 'net'}", settings={"preprocessing": "own"})
    assert (network.input_size, network.outputs) == (side, 5)
    assert list(network.stages) == stages
    processor = transformers.AutoImageProcessor.from_pretrained(tmp_path / "net")
    theirs = processor(images=list(pictures()), return_tensors="pt")["pixel_values"]
    ours = network.preprocess(torch.from_numpy(pictures()).permute(0, 3, 1, 2))
    assert torch.allclose(ours, theirs, atol=0.05)  # a step of 8 bits over std: resized in bytes
    with torch.no_grad():
        assert torch.allclose(network.module(theirs), module(theirs).logits, atol=1e-6)
    found = activations(network, pictures())
    assert all(np.isfinite(found[stage]).all() and found[stage].std() > 0 for stage in stages)


def test_labels_are_those_of_the_configuration(tmp_path):
    names = ["red", "green", "blue", "cyan", "pink"]
    vit(tmp_path / "net", id2label=dict(enumerate(names)))
    assert load(f"hf:{tmp_path / 'net'}").classes == tuple(names)
    vit(tmp_path / "plain")
    plain = load(f"hf:{tmp_path / 'plain'}")
    assert plain.classes is None
    assert "it has 5 outputs" in plain.without_decision


@pytest.mark.parametrize("named", [True, False])
def test_a_thousand_classes_are_imagenets_where_their_names_are(tmp_path, named):
    labels = imagenet.labels() if named else [f"person {number}" for number in range(1000)]
    spelled = {number: f"{label}, and more words" for number, label in enumerate(labels)}
    vit(tmp_path / "net", num_labels=1000, id2label=spelled)
    network = load(f"hf:{tmp_path / 'net'}")
    assert len(network.classes) == (16 if named else 1000)
    assert (network.labels == imagenet.labels()) is named


def test_blue_comes_first_where_the_processor_turns_the_channels(tmp_path):
    module = vit(tmp_path / "net")
    processor = transformers.MobileViTImageProcessor(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}, do_flip_channel_order=True
    )  # fmt: skip
    processor.save_pretrained(tmp_path / "net")
    network = load(f"hf:{tmp_path / 'net'}")
    shown = torch.rand(2, 3, SIDE, SIDE)
    assert torch.allclose(network.preprocess(shown), shown, atol=1e-6)  # scaled to 0..1 alone
    with torch.no_grad():
        assert torch.allclose(network.module(shown), module(shown.flip(1)).logits, atol=1e-6)


def test_a_backbone_has_stages_and_no_classes(tmp_path):
    vit(tmp_path / "net", transformers.ViTModel)
    config = transformers.Dinov2Config(image_size=28, patch_size=14, **{
        key: value for key, value in SMALL.items() if key != "intermediate_size"
    })  # fmt: skip
    saved(tmp_path / "dino", transformers.Dinov2Model, config)
    for name, side in (("net", SIDE), ("dino", 28)):
        network = load(f"hf:{tmp_path / name}")
        assert network.input_size == side
        assert network.without_decision == "it is a backbone without classes"
        assert list(network.stages) == ["block01", "block02"]
        assert activations(network, pictures())["block02.cls"].shape == (3, 16)


def test_without_a_processor_a_line_says_what_is_taken(tmp_path, capsys):
    vit(tmp_path / "net", processor=False)
    assert load(f"hf:{tmp_path / 'net'}").input_size == SIDE
    assert "says no mean and std of its input" in capsys.readouterr().err


def test_random_weights_and_weights_of_a_file(tmp_path):
    module = vit(tmp_path / "net")
    name, shown = f"hf:{tmp_path / 'net'}", torch.rand(2, 3, SIDE, SIDE)
    first, again, other = (load(name, weights=False, seed=s).module(shown) for s in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    seven = vit(tmp_path / "seven", num_labels=7)
    torch.save(
        {"state_dict": {f"model.{k}": v for k, v in seven.state_dict().items()}}, tmp_path / "w.pth"
    )
    network = load(f"{name}@{tmp_path / 'w.pth'}")
    with torch.no_grad():
        assert torch.equal(network.module(shown), seven(shown).logits)
    assert network.outputs == 7
    assert module.config.num_labels == 5


def test_a_survey_and_an_experiment_see_a_change_of_the_folder(tmp_path):
    vit(tmp_path / "net")
    name = f"hf:{tmp_path / 'net'}"
    files = [str(tmp_path / "net" / one)
             for one in ("config.json", "model.safetensors", "preprocessor_config.json")]  # fmt: skip
    assert cards.local_files(name) == files
    before = identity(load(name))
    assert identity(load(name)) == before
    settings = json.loads((tmp_path / "net/preprocessor_config.json").read_text())
    settings["image_mean"] = [0.5, 0.5, 0.5]
    (tmp_path / "net/preprocessor_config.json").write_text(json.dumps(settings))
    assert identity(load(name)) != before


def test_slugs_of_the_hub_and_of_folders(tmp_path):
    assert slug("hf:google/vit-base-patch16-224") == "hf-vit-base-patch16-224--google"
    assert slug("hf:./nets/vit").startswith("hf-vit--folder-")
    assert slug("hf:./nets/vit") != slug("hf:./other/vit")
    assert slug("hf:a/b", weights=False) != slug("hf:c/b", weights=False)


def test_a_card_finds_the_folder_beside_it(tmp_path):
    vit(tmp_path / "net")
    (tmp_path / "card.yaml").write_text("network: hf:net\nstages: [vit.layers.0]\n")
    assert load(str(tmp_path / "card.yaml")).stages == {"vit.layers.0": "vit.layers.0"}


# --- what cannot be -------------------------------------------------------------------------------


def cut(path):
    path.write_bytes(path.read_bytes()[:200])


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda net: cut(net / "model.safetensors"), "or a damaged one"),
        (lambda net: cut(net / "config.json"), "or a damaged one"),
        (lambda net: (net / "model.safetensors").unlink(), "or a damaged one"),
        (lambda net: (net / "config.json").unlink(), "or a damaged one"),
    ],
)
def test_a_damaged_folder_is_one_line(tmp_path, spoil, says):
    vit(tmp_path / "net")
    spoil(tmp_path / "net")
    with pytest.raises(InputError) as caught:
        load(f"hf:{tmp_path / 'net'}")
    assert says in str(caught.value)
    assert str(tmp_path / "net") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_classifier_without_its_head_is_refused(tmp_path):
    vit(tmp_path / "net", transformers.ViTModel)
    config = json.loads((tmp_path / "net/config.json").read_text())
    config["architectures"] = ["ViTForImageClassification"]
    (tmp_path / "net/config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"lacks the weights 'classifier\.bias'"):
        load(f"hf:{tmp_path / 'net'}")


def test_what_takes_text_is_refused(tmp_path):
    small = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
    }
    config = transformers.CLIPConfig(
        text_config=small, vision_config={**small, "image_size": SIDE, "patch_size": 8}
    )
    saved(tmp_path / "net", transformers.CLIPModel, config)
    with pytest.raises(InputError, match="takes more than pictures"):
        load(f"hf:{tmp_path / 'net'}")


def test_no_such_folder_and_no_hub(tmp_path, monkeypatch):
    (tmp_path / "network").mkdir()
    with pytest.raises(InputError, match=r"no such folder: .*netwrok.*network"):
        load(f"hf:{tmp_path / 'netwrok'}")
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    for key in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(key, raising=False)
    with pytest.raises(InputError, match=r"127.0.0.1:9 cannot be reached") as caught:
        load("hf:nobody/nothing")
    assert "\n" not in str(caught.value)
