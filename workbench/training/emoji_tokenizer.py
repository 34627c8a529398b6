"""The tokenizer of emoji-clip: one token for each word of the captions, and a few signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.data.emoji.captions import vocabulary

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

CONTEXT_TOKENS = 12
PADDING, UNKNOWN, START, END = "[PAD]", "[UNK]", "[SOS]", "[EOS]"


def build_tokenizer() -> PreTrainedTokenizerFast:
    """A word-level tokenizer in lower case.

    The end sign has the highest number, for open_clip reads a text's features where its highest
    token stands; the padding sign is 0.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = [PADDING, UNKNOWN, START, *vocabulary(), END]
    numbers = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(numbers, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}",
        special_tokens=[(START, numbers[START]), (END, numbers[END])],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PADDING,
        unk_token=UNKNOWN,
        bos_token=START,
        eos_token=END,
        model_max_length=CONTEXT_TOKENS,
    )
