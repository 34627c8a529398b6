"""Tiny random Florence-2, Grounding DINO, OWLv2 and Qwen2.5-VL, with their own processors.

Each is saved as the published ones are: settings, tokenizer, processor and safetensors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import pre_tokenizers
from transformers import AutoProcessor

WORDS = ("dog", "car", "black", "cat", "left", "the", "a", "photo", "of", "locate", "image", "boat")
DELIMITERS = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103, ".": 1012,
              "?": 1029}  # fmt: skip
"""Where BERT's vocabulary has them; Grounding DINO parts its phrases by these very numbers."""
GROUNDING_DINO_WORDS = 1100
OWL_TOKENS = 16
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def save_vision_model(folder: Path, architecture: str) -> Path:
    """Save one of "florence2", "grounding-dino", "mm-grounding-dino", "owlv2", "qwen-vl"."""
    torch.manual_seed(7)
    model, processor = {
        "florence2": _florence2,
        "grounding-dino": lambda: _grounding_dino(""),
        "mm-grounding-dino": lambda: _grounding_dino("MM"),
        "owlv2": _owlv2,
        "qwen-vl": _qwen_vl,
    }[architecture]()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1:
                parameter.mul_(2.0)
            if "class_embed" in name and name.endswith("bias"):
                parameter.zero_()  # begins where hardly any box counts
    model.eval().save_pretrained(folder)
    processor.save_pretrained(folder)
    AutoProcessor.from_pretrained(folder)  # what was saved is what the library itself reads
    return folder


def _byte_pairs(specials: list[str], *, end: str = "") -> tuple[dict[str, int], list[Any]]:
    """Vocabulary and merges of a byte-level tokenizer in which each of WORDS is one token."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    names = [*specials, *letters, *([letter + end for letter in letters] if end else [])]
    merges: dict[tuple[str, str], None] = {}
    for word in WORDS:
        left = word[0]
        for place, letter in enumerate(word[1:], start=2):
            merges[left, letter + (end if place == len(word) else "")] = None
            left += letter
    names += ["".join(pair) for pair in merges]
    return {name: number for number, name in enumerate(dict.fromkeys(names))}, list(merges)


def _florence2() -> tuple[Any, Any]:
    vocabulary, merges = _byte_pairs(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    tokenizer: Any = transformers.BartTokenizer(
        vocab=vocabulary, merges=merges, extra_special_tokens={"image_token": "<image>"}
    )
    tokenizer.add_tokens(["<od>", "</od>", "<poly>", "</poly>", "<sep>"])
    tokenizer.add_tokens([f"<loc_{place}>" for place in range(1000)])
    images: Any = transformers.CLIPImageProcessor(
        size={"height": 32, "width": 32},
        do_center_crop=False,
        crop_size={"height": 32, "width": 32},
    )
    images.image_seq_length = 17
    kinds = ("phrase_grounding", "pure_text", "description_with_bboxes", "polygons", "bboxes",
             "description_with_polygons", "description_with_bboxes_or_polygons")  # fmt: skip
    processor = transformers.Florence2Processor(
        image_processor=images,
        tokenizer=tokenizer,
        post_processor_config={kind: {} for kind in kinds},
    )
    config = transformers.Florence2Config(
        text_config={
            "model_type": "bart",
            "vocab_size": len(tokenizer),
            "d_model": 16,
            "encoder_layers": 1,
            "decoder_layers": 1,
            "encoder_ffn_dim": 16,
            "decoder_ffn_dim": 16,
            "encoder_attention_heads": 2,
            "decoder_attention_heads": 2,
            "max_position_embeddings": 128,
            "bos_token_id": 0,
            "pad_token_id": 1,
            "eos_token_id": 2,
            "decoder_start_token_id": 2,
        },
        vision_config={
            "depths": [1],
            "patch_size": [7],
            "patch_stride": [8],
            "patch_padding": [3],
            "patch_prenorm": [False],
            "embed_dim": [16],
            "num_heads": [1],
            "num_groups": [1],
            "window_size": 4,
            "projection_dim": 16,
        },
        image_token_id=tokenizer.image_token_id,
    )
    return transformers.Florence2ForConditionalGeneration(config), processor


def _grounding_dino(family: str) -> tuple[Any, Any]:
    vocabulary = {f"[unused{number}]": number for number in range(GROUNDING_DINO_WORDS)}
    for word, number in DELIMITERS.items():
        del vocabulary[f"[unused{number}]"]
        vocabulary[word] = number
    for number, word in enumerate([*WORDS, *"abcdefghijklmnopqrstuvwxyz"], start=200):
        if word not in vocabulary:
            del vocabulary[f"[unused{number}]"]
            vocabulary[word] = number
    for number, letter in enumerate("abcdefghijklmnopqrstuvwxyz", start=300):
        del vocabulary[f"[unused{number}]"]
        vocabulary[f"##{letter}"] = number
    vocabulary = dict(sorted(vocabulary.items(), key=lambda entry: entry[1]))
    tokenizer = transformers.BertTokenizer(vocab=vocabulary, model_max_length=256)
    images = transformers.GroundingDinoImageProcessor(
        size={"shortest_edge": 128, "longest_edge": 160}
    )
    processor = transformers.GroundingDinoProcessor(images, tokenizer)
    config = getattr(transformers, f"{family}GroundingDinoConfig")(
        backbone_config={
            "model_type": "swin",
            "embed_dim": 8,
            "depths": [1, 1, 1, 1],
            "num_heads": [1, 1, 1, 1],
            "window_size": 4,
            "image_size": 64,
            "out_indices": [2, 3, 4],
        },
        text_config={
            "model_type": "bert",
            "vocab_size": GROUNDING_DINO_WORDS,
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 16,
        },
        num_queries=12,
        encoder_layers=1,
        decoder_layers=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        d_model=32,
    )
    model = getattr(transformers, f"{family}GroundingDinoForObjectDetection")(config)
    return model, processor


def _owlv2() -> tuple[Any, Any]:
    vocabulary, merges = _byte_pairs(["!", "<|startoftext|>", "<|endoftext|>"], end="</w>")
    tokenizer = transformers.CLIPTokenizer(
        vocab=vocabulary, merges=merges, model_max_length=OWL_TOKENS, **{"pad_token": "!"}
    )
    images = transformers.Owlv2ImageProcessor(size={"height": 32, "width": 32})
    config = transformers.Owlv2Config(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "max_position_embeddings": OWL_TOKENS,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
        },
        vision_config={
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 32,
            "patch_size": 8,
        },
        projection_dim=16,
    )
    model = transformers.Owlv2ForObjectDetection(config)
    with torch.no_grad():  # so that some of its boxes count
        model.class_head.logit_shift.bias.fill_(1.0)
    return model, transformers.Owlv2Processor(images, tokenizer)


def _qwen_vl() -> tuple[Any, Any]:
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>",
                "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]  # fmt: skip
    vocabulary, merges = _byte_pairs(specials)
    tokenizer = transformers.Qwen2Tokenizer(
        vocab=vocabulary,
        merges=merges,
        **{"eos_token": "<|im_end|>"},
        extra_special_tokens=specials[3:],
    )
    names: dict[str, Any] = {name: tokenizer.convert_tokens_to_ids(name) for name in specials}
    processor = transformers.Qwen2_5_VLProcessor(
        transformers.Qwen2VLImageProcessor(),
        tokenizer,
        transformers.Qwen2VLVideoProcessor(),
        chat_template=CHAT_TEMPLATE,
    )
    config = transformers.Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "max_position_embeddings": 2048,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1e4,
                "mrope_section": [2, 3, 3],
            },
            "bos_token_id": names["<|endoftext|>"],
            "eos_token_id": names["<|im_end|>"],
        },
        vision_config={
            "depth": 1,
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_heads": 2,
            "out_hidden_size": 32,
            "fullatt_block_indexes": [0],
        },
        image_token_id=names["<|image_pad|>"],
        video_token_id=names["<|video_pad|>"],
        vision_start_token_id=names["<|vision_start|>"],
        vision_end_token_id=names["<|vision_end|>"],
    )
    return transformers.Qwen2_5_VLForConditionalGeneration(config), processor
