"""Pictures and texts to unit vectors with an open_clip model, in steps of bounded size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

_STEP_PIXELS = {"cpu": 1 << 18}
"""Of a pass; on a processor a pass of this size stays in the cache and is a quarter faster."""
_STEP_PICTURES = 8
"""A pass takes at least so many, however large they are."""
_STEP_PIXELS_ACCELERATOR = 1 << 25
_STEP_TEXTS = 512


def image_size(loaded: Any) -> tuple[int, int]:
    """Height and width that the model reads."""
    size = loaded.model.visual.image_size
    return (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))


def logit_scale(loaded: Any) -> float:
    """What cosines are multiplied by to be logits."""
    return float(loaded.model.logit_scale.detach().float().exp())


def logit_bias(loaded: Any) -> float:
    """What is added to logits; 0 for models without a bias (only SigLIP's have one)."""
    bias = getattr(loaded.model, "logit_bias", None)
    return 0.0 if bias is None else float(bias.detach().float())


def prepare_pictures(loaded: Any, pictures: torch.Tensor) -> torch.Tensor:
    """From pixels to what the model reads.

    Pictures of the model's own size are only normalised; others go through the model's own
    preprocessing, one by one.

    Args:
        loaded: an open_clip model.
        pictures: ``(n, 3, h, w)`` uint8.

    Returns:
        ``(n, 3, H, W)`` in the model's dtype on its device.
    """
    import torch
    from torchvision.transforms.functional import to_pil_image

    dtype = getattr(torch, loaded.dtype)
    if tuple(pictures.shape[-2:]) != image_size(loaded):
        rows = [loaded.preprocess(to_pil_image(picture)) for picture in pictures]
        return torch.stack(rows).to(loaded.device, dtype)
    settings = loaded.model.visual.preprocess_cfg
    mean = torch.tensor(settings["mean"], device=loaded.device).view(3, 1, 1)
    deviation = torch.tensor(settings["std"], device=loaded.device).view(3, 1, 1)
    # In place after the first copy, for memory traffic costs more than arithmetic here,
    # and convolutions on a processor like the channels side by side.
    pixels = pictures.to(loaded.device).float().contiguous(memory_format=torch.channels_last)
    return pixels.div_(255).sub_(mean).div_(deviation).to(dtype)


def steps_of(loaded: Any, count: int) -> Iterable[slice]:
    """Slices of ``count`` pictures, each as many as one pass of the model takes."""
    height, width = image_size(loaded)
    pixels = _STEP_PIXELS.get(loaded.device, _STEP_PIXELS_ACCELERATOR)
    size = max(_STEP_PICTURES, pixels // (height * width))
    return (slice(start, start + size) for start in range(0, count, size))


def embed_pictures(
    loaded: Any, pictures: torch.Tensor, check: Callable[[], None] = lambda: None
) -> np.ndarray:
    """Unit vectors of some pictures.

    Args:
        loaded: an open_clip model.
        pictures: ``(n, 3, h, w)`` uint8.
        check: called between passes; may raise to stop.

    Returns:
        ``(n, d)`` float32.
    """
    import torch

    rows = []
    for part in steps_of(loaded, len(pictures)):
        check()
        with torch.inference_mode():
            prepared = prepare_pictures(loaded, pictures[part])
            rows.append(loaded.model.encode_image(prepared, normalize=True).float().cpu())
    return torch.cat(rows).numpy()


def embed_texts(
    loaded: Any,
    texts: Sequence[str],
    templates: Sequence[str] = ("{}",),
    check: Callable[[], None] = lambda: None,
) -> np.ndarray:
    """Unit vectors of some texts, each the mean over templates as CLIP's zero-shot head.

    Each template's vector has unit length, and so has their mean (Radford et al. 2021,
    arXiv:2103.00020, section 3.1.4).

    Args:
        loaded: an open_clip model.
        texts: n texts.
        templates: each holds ``{}``, which the text takes.
        check: called between passes; may raise to stop.

    Returns:
        ``(n, d)`` float32.
    """
    import torch
    from torch.nn import functional

    total: Any = 0.0
    for template in templates:
        written = [template.replace("{}", text) for text in texts]
        parts = []
        for start in range(0, len(written), _STEP_TEXTS):
            check()
            with torch.inference_mode():
                tokens = loaded.tokenizer(written[start : start + _STEP_TEXTS]).to(loaded.device)
                parts.append(loaded.model.encode_text(tokens, normalize=True).float())
        total = total + torch.cat(parts)
    return functional.normalize(total, dim=-1).cpu().numpy()
