"""The language-guided image tokenizer: a picture and a prompt to M tokens with positions.

arXiv:2305.11175, section 3.2: the words' features are attended from the picture's before M learned
queries read the picture; each gives an embedding e, a centre l in [0, 1]² and whether there is an
object that the prompt names. Departures, ours: one scale instead of four, plain attention instead
of Deformable-DETR's, a small convolutional backbone, the words' features from the network's own
text encoder instead of BERT.
"""

from __future__ import annotations

import torch
from torch import nn

from workbench.training.visionllm.layers import Attention, Block
from workbench.training.visionllm.shape import Shape

MEAN, STANDARD_DEVIATION = 0.5, 0.3
"""Of pixel values in [0, 1], subtracted and divided by."""


class TextEncoder(nn.Module):
    """Words to features: a small transformer over each text by itself."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.words = nn.Embedding(len(shape.words), width, padding_idx=0)
        self.places = nn.Parameter(torch.randn(shape.text_tokens, width) * 0.02)
        self.blocks = nn.ModuleList(
            Block(width, shape.heads, shape.feed_forward, has_memory=False)
            for _ in range(shape.text_layers)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, texts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """``(u, w)`` numbers → ``(u, w, d)`` of the words and ``(u, d)``, their mean."""
        present = texts != 0
        features = self.words(texts) + self.places[: texts.shape[1]]
        for block in self.blocks:
            features = block(features, present[:, None, None, :])
        features = self.norm(features)
        weight = present[..., None].to(features.dtype)
        return features, (features * weight).sum(1) / weight.sum(1)


class ImageTokenizer(nn.Module):
    """Pictures and the features of their prompts to M tokens each."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width, heads, feed = shape.width, shape.heads, shape.feed_forward
        layers: list[nn.Module] = []
        before = 3
        for channels, stride in zip(shape.channels, shape.strides, strict=True):
            layers += [
                nn.Conv2d(before, channels, 3, stride, 1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
            ]
            before = channels
        self.backbone = nn.Sequential(*layers)
        self.places = nn.Parameter(torch.randn(shape.grid**2, width) * 0.02)
        self.language_norm = nn.LayerNorm(width)
        self.language = Attention(width, heads)
        self.encoder = nn.ModuleList(
            Block(width, heads, feed, has_memory=False) for _ in range(shape.encoder_layers)
        )
        self.queries = nn.Parameter(torch.randn(shape.tokens, width) * 0.3)
        self.readers = nn.ModuleList(
            Block(width, heads, feed, has_memory=True) for _ in range(shape.query_layers)
        )
        self.objectness = nn.Linear(width, 1)
        self.centre = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2))

    def forward(
        self,
        pictures: torch.Tensor,
        language: torch.Tensor,
        language_present: torch.Tensor,
        *,
        use_language: bool = True,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Look at pictures with prompts in mind.

        Args:
            pictures: ``(b, 3, s, s)`` uint8.
            language: ``(b, n, d)`` features of the prompts.
            language_present: ``(b, n)`` bool.
            use_language: without, the prompts' features are left out.

        Returns:
            ``(b, g, d)`` the grid, ``(b, M, d)`` embeddings e, ``(b, M)`` logits of objectness,
            ``(b, M, 2)`` centres l.
        """
        plain = (pictures.to(self.places.dtype) / 255 - MEAN) / STANDARD_DEVIATION
        grid = self.backbone(plain).flatten(2).transpose(1, 2) + self.places
        if use_language:
            allowed = language_present[:, None, None, :]
            grid = grid + self.language(self.language_norm(grid), language, allowed)
        for block in self.encoder:
            grid = block(grid)
        tokens = self.queries.expand(len(pictures), -1, -1)
        for block in self.readers:
            tokens = block(tokens, memory=grid)
        return grid, tokens, self.objectness(tokens)[..., 0], self.centre(tokens).sigmoid()
