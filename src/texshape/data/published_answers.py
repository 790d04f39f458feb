"""Answers of others to the 1,280 cue-conflict pictures (Gavrikov et al. 2025, arXiv 2403.09193).

Vision-language models asked by multiple choice, CLIP-like models by three prompts each, classifiers by their
classes. Downloaded, verified and used, and never part of the project.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from texshape.data import published
from texshape.data.download import MIRROR, Item, fetch_all, mirror_path
from texshape.trials.deciding import ASKED, CLASSES, ZERO_SHOT

SOURCE = "vlm-shapebias"
#: of the names of these subjects
PREFIX = "vlm_shapebias/"
LACKING = "the folder that TEXSHAPE_MIRROR names has no file of its answers"
PUBLISHED_NEUTRAL = "published neutral"
PHOTO = "a photo of a CLS."
#: end of a file's name -> prompt of a CLIP-like model, as the file calls it; `CLS` stands for the class
PROMPTS = {"_a_photo_of_a_CLS.": PHOTO, "_CLS": "CLS", "_None": "called None"}
#: of several wordings the one by which a subject is shown where each has one row
SHOWN = ("", PUBLISHED_NEUTRAL, PHOTO)

#: file without date and prompt -> name in print
NAMES = {
    "llava_1_5_7b": "LLaVA-1.5-7B",
    "llava_1_5_13b": "LLaVA-1.5-13B",
    "llava_1_6_vicuna_7b": "LLaVA-1.6-Vicuna-7B",
    "llava_1_6_vicuna_13b": "LLaVA-1.6-Vicuna-13B",
    "llava_1_6_34b": "LLaVA-1.6-34B",
    "llava_rlhf_1_5_7b": "LLaVA-RLHF-7B",
    "llava_rlhf_1_5_13b": "LLaVA-RLHF-13B",
    "moe_llava_stablelm": "MoE-LLaVA-StableLM",
    "moe_llava_qwen": "MoE-LLaVA-Qwen",
    "moe_llava_phi2": "MoE-LLaVA-Phi-2",
    "instructblip_vicuna_7b": "InstructBLIP-Vicuna-7B",
    "instructblip_flan_t5_xl": "InstructBLIP-Flan-T5-XL",
    "emu2_chat": "Emu2-Chat",
    "internvl_chat": "InternVL-Chat",
    "internvl_chat_1_2_plus": "InternVL-Chat-1.2-Plus",
    "qwen_vl_plus": "Qwen-VL-Plus",
    "qwen_vl_max": "Qwen-VL-Max",
    "gemini_pro_vision": "Gemini Pro Vision",
    "openai_vision": "GPT-4V",
    "BAAI_EVA_CLIP_8B_448_None": "EVA-CLIP-8B-448",
    "EVA01_g_14_laion400m_s11b_b41k": "EVA01-CLIP g/14",
    "EVA02_E_14_plus_laion2b_s9b_b144k": "EVA02-CLIP E/14+",
    "ViT_L_14_336_openai": "CLIP ViT-L/14-336",
    "ViT_L_14_openai": "CLIP ViT-L/14",
    "clip_RN101_openai": "CLIP RN101",
    "clip_RN50_openai": "CLIP RN50",
    "resnet50": "ResNet-50 (timm)",
    "resnet152": "ResNet-152 (timm)",
    "tv_resnet50": "ResNet-50 (torchvision)",
    "vit_base_patch16_224.orig_in21k_ft_in1k": "ViT-B/16, ImageNet-21k",
    "vit_large_patch14_clip_224.openai_ft_in1k": "ViT-L/14, CLIP, tuned",
    "vit_large_patch14_clip_224.openai_ft_in12k_in1k": "ViT-L/14, CLIP, tuned twice",
    "vit_large_patch14_clip_336.openai_ft_in12k_in1k": "ViT-L/14-336, CLIP, tuned twice",
}
_DATED = re.compile(r"(\d{4})(\d\d)(\d\d)_\d{6}_(.+)")
_DECIDES = {"vqa": ASKED, "clip": ZERO_SHOT, "inet_classifier": CLASSES}


@dataclass(frozen=True)
class Answers:
    """The file of one subject.

    Attributes
    ----------
    subject : str
        Repository and file, without the date.
    name : str
        In print.
    decides_by, wording : str
        How it decides, and by which words, where there are any.
    date : str
        When it was asked, YYYY-MM-DD; empty where the file does not say.
    source : str
        Repository and path.
    file : path or None
        None where a mirror lacks it.
    """

    subject: str
    name: str
    decides_by: str
    wording: str
    date: str
    source: str
    file: Path | None


def bring(cache: str | Path) -> list[Answers]:
    """Bring the files of all subjects; those that a mirror lacks come without a file.

    Parameters
    ----------
    cache : path
        Folder for the downloads.

    Raises
    ------
    InputError
        If a file cannot be downloaded, or is another one than the list says.
    """
    source = published.sources()[SOURCE]
    wanted = published.items(SOURCE, Path(cache) / source.repository / source.commit)
    there = [item for item in wanted if _can_be_had(item)]
    missing = [item for item in there if not item.destination.exists()]
    if missing:
        fetch_all(there, label=f"answers ({source.repository})")
    return list(_subjects(wanted, {item.destination for item in there}))


def subjects() -> list[Answers]:
    """All subjects, without their files."""
    return list(_subjects(published.items(SOURCE, ""), set()))


def _can_be_had(item: Item) -> bool:
    mirror = os.environ.get(MIRROR)
    return not mirror or item.destination.exists() or mirror_path(item.url, mirror).exists()


def _subjects(items: list[Item], there: set[Path]) -> Iterator[Answers]:
    source = published.sources()[SOURCE]
    root = source.url("")
    for item in items:
        path = item.destination
        stem, date, decides = path.stem, "", _DECIDES[path.parent.name]
        if dated := _DATED.fullmatch(stem):
            date, stem = "-".join(dated.groups()[:3]), dated[4]
        wording, base = PUBLISHED_NEUTRAL if decides == ASKED else "", stem
        if decides == ZERO_SHOT:
            ending = next(ending for ending in PROMPTS if stem.endswith(ending))
            wording, base = PROMPTS[ending], stem.removesuffix(ending)
        yield Answers(
            subject=PREFIX + stem,
            name=NAMES[base],
            decides_by=decides,
            wording=wording,
            date=date,
            source=f"{source.repository}: {item.url.removeprefix(root)}",
            file=path if path in there else None,
        )
