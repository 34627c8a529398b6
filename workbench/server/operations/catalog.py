"""Every operation of the model server; adding one is one entry here."""

from __future__ import annotations

from workbench.server.operation import Operation
from workbench.server.operations import (
    attention,
    capture_attention,
    clip_embed,
    clip_embed_fine_tuned,
    clip_fine_tune,
    count_tokens,
    decode_image,
    dsp_data,
    embed_text,
    emoji,
    generate,
    generate_batch,
    next_token,
    rouge,
    score_batch,
    score_choices,
    score_skills,
    swap_head,
    tokenize_text,
)

OPERATIONS: tuple[Operation, ...] = (
    generate.OPERATION,
    generate_batch.OPERATION,
    score_choices.OPERATION,
    score_batch.OPERATION,
    score_skills.OPERATION,
    score_skills.TOKENIZE,
    next_token.OPERATION,
    tokenize_text.OPERATION,
    count_tokens.OPERATION,
    embed_text.OPERATION,
    capture_attention.OPERATION,
    attention.HEAD_STATISTICS,
    swap_head.SWAP_HEAD,
    clip_embed.EMBED_IMAGES,
    clip_embed.EMBED_TEXTS,
    clip_fine_tune.OPERATION,
    clip_embed_fine_tuned.OPERATION,
    decode_image.OPERATION,
    dsp_data.ARTICLES,
    dsp_data.ROWS,
    rouge.OPERATION,
    emoji.FEATURES,
    emoji.PICTURES,
)
