"""Tiny random models with a real tokenizer, saved as any published model is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

VOCABULARY = 400
CONTEXT_TOKENS = 256
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
_CORPUS = (
    "The cat sat on the mat and the dog sat on the cat. What is the colour of the house?",
    "The capital of France is Paris. The answer is A, B, C or D. Question: Answer: yes no red blue",
)


def save_tokenizer(folder: Path, *, chat: bool = True) -> None:
    """A byte-level BPE tokenizer that merges across spaces and words, as real ones do."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<pad>", "<begin>", "<end>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_CORPUS * 20, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        **{"bos_token": "<begin>", "eos_token": "<end>", "pad_token": "<pad>"},
        chat_template=CHAT_TEMPLATE if chat else None,
        model_max_length=CONTEXT_TOKENS,
    )
    fast.save_pretrained(folder)


def _model(architecture: str) -> Any:
    ends = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    match architecture:
        case "llama":
            config = LlamaConfig(
                vocab_size=VOCABULARY,
                hidden_size=32,
                intermediate_size=48,
                num_hidden_layers=3,
                num_attention_heads=4,
                num_key_value_heads=2,
                max_position_embeddings=CONTEXT_TOKENS,
                **ends,
            )
            return LlamaForCausalLM(config)
        case "gpt2":
            config = GPT2Config(
                vocab_size=VOCABULARY,
                n_embd=32,
                n_layer=2,
                n_head=4,
                n_positions=CONTEXT_TOKENS,
                **ends,
            )
            return GPT2LMHeadModel(config)
        case "t5":
            config = T5Config(
                vocab_size=VOCABULARY,
                d_model=32,
                d_kv=8,
                d_ff=48,
                num_layers=2,
                num_heads=4,
                decoder_start_token_id=0,
                pad_token_id=0,
                eos_token_id=2,
            )
            return T5ForConditionalGeneration(config)
        case _:
            config = BertConfig(
                vocab_size=VOCABULARY,
                hidden_size=32,
                num_hidden_layers=2,
                num_attention_heads=4,
                intermediate_size=48,
                max_position_embeddings=CONTEXT_TOKENS,
                pad_token_id=0,
            )
            return BertModel(config)


def save_model(folder: Path, architecture: str, *, chat: bool = True) -> Path:
    """Save a model whose weights are large enough that its predictions differ clearly."""
    torch.manual_seed(20)
    model = _model(architecture).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(5.0)
    model.save_pretrained(folder)
    save_tokenizer(folder, chat=chat)
    return folder
