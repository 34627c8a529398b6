"""The network: image tokens in, the slots of the instruction's format out.

arXiv:2305.11175, section 3.3, "output-format-as-query": the tokens of the template are queries, all
slots of all M candidates are predicted at once. How a slot meets an image token is our choice:
query(i, s) = format[s] + e_i + position(l_i); it looks at the whole prompt and all image tokens,
and at the slots of its own candidate only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import nn

from workbench.methods.visionllm.formats import BOX_POINTS
from workbench.training.visionllm.image_tokenizer import ImageTokenizer, TextEncoder
from workbench.training.visionllm.layers import Block
from workbench.training.visionllm.prompts import KIND_NUMBERS, Prompts
from workbench.training.visionllm.shape import Shape

_POINTER_SCALE = 0.25
_ANGLE_FREQUENCIES = 8


@dataclass(frozen=True, eq=False)
class Seen:
    """Pictures and prompts, looked at.

    Args:
        objectness: ``(b, M)`` logits.
        centres: ``(b, M, 2)``, l.
        items: ``(b, M, d)``, e with its position.
        names: ``(b, k, d)`` features of the dictionary's entries.
        is_entry: ``(b, k)`` bool, false for padding.
        class_tokens: ``(b, k)``, j of <cj>.
        memory: ``(b, n, d)``: task, entries, words of the question, image tokens, grid.
        in_memory: ``(b, n)`` bool.
    """

    objectness: torch.Tensor
    centres: torch.Tensor
    items: torch.Tensor
    names: torch.Tensor
    is_entry: torch.Tensor
    class_tokens: torch.Tensor
    memory: torch.Tensor
    in_memory: torch.Tensor

    @property
    def entries_in_memory(self) -> slice:
        """Where the dictionary stands in the memory."""
        return slice(1, 1 + self.names.shape[1])


class VisionLLM(nn.Module):
    """A small VisionLLM.

    Its vocabulary is words, then location tokens <p-R> … <pR>, then class tokens <c0> …; the class
    tokens' output rows are their input embeddings.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        width = shape.width
        self.text = TextEncoder(shape)
        self.tokenizer = ImageTokenizer(shape)
        self.commands = nn.Embedding(KIND_NUMBERS, width)
        self.class_tokens = nn.Parameter(torch.randn(shape.class_tokens, width) * 0.3)
        self.types = nn.Parameter(torch.randn(2, width) * 0.1)
        self.position = nn.Linear(2, width)
        self.class_slot = nn.Parameter(torch.randn(width) * 0.3)
        self.corner_slots = nn.Parameter(torch.randn(2 * BOX_POINTS, width) * 0.3)
        self.axis_slots = nn.Parameter(torch.randn(2, width) * 0.3)
        self.angle = nn.Linear(2 * _ANGLE_FREQUENCIES, width)
        self.text_places = nn.Parameter(torch.randn(shape.text_tokens, width) * 0.02)
        self.decoder = nn.ModuleList(
            Block(width, shape.heads, shape.feed_forward, has_memory=True)
            for _ in range(shape.decoder_layers)
        )
        self.norm = nn.LayerNorm(width)
        self.words_and_locations = nn.Linear(width, len(shape.words) + shape.locations)
        self.pointer = nn.Linear(width, width)

    def look(self, pictures: torch.Tensor, prompts: Prompts, *, use_language: bool = True) -> Seen:
        """Read prompts and look at pictures, ``(b, 3, s, s)`` uint8."""
        of_words, of_texts = self.text(prompts.texts)
        is_entry = prompts.entries >= 0
        names = of_texts[prompts.entries.clamp(min=0)]
        question = of_words[prompts.questions.clamp(min=0)]
        asked = (prompts.texts[prompts.questions.clamp(min=0)] != 0) & (prompts.questions >= 0)[
            :, None
        ]
        command = self.commands(prompts.kinds)[:, None]
        always = torch.ones_like(command[..., 0], dtype=torch.bool)
        grid, tokens, objectness, centres = self.tokenizer(
            pictures,
            torch.cat([command, names, question], 1),
            torch.cat([always, is_entry, asked], 1),
            use_language=use_language,
        )
        items = tokens + self.position(centres)
        read = names
        if self.shape.class_head == "strict":
            read = read + self.class_tokens[prompts.class_tokens]
        memory = torch.cat(
            [command, read + self.types[0], question + self.types[0], items + self.types[1], grid],
            1,
        )
        image = always.expand(-1, items.shape[1] + grid.shape[1])
        in_memory = torch.cat([always, is_entry, asked, image], 1)
        return Seen(
            objectness,
            centres,
            items,
            names,
            is_entry,
            prompts.class_tokens,
            memory,
            in_memory,
        )

    def slot_embeddings(self, points: int) -> torch.Tensor:
        """What the slots of a format are asked with, ``(1 + 2N, d)``.

        Corners have embeddings of their own; a contour's slot is its axis and its angle, so that
        any N is understood.
        """
        if points == BOX_POINTS:
            return torch.cat([self.class_slot[None], self.corner_slots])
        turn = 2 * math.pi * torch.arange(points, device=self.class_slot.device) / points
        waves = turn[:, None] * torch.arange(1, _ANGLE_FREQUENCIES + 1, device=turn.device)
        angles = self.angle(torch.cat([waves.sin(), waves.cos()], 1).to(self.class_slot.dtype))
        coordinates = (angles[:, None] + self.axis_slots).flatten(0, 1)
        return torch.cat([self.class_slot[None], coordinates])

    def fill(
        self, seen: Seen, points: int, *, inside_tuple: bool = True, slots: int | None = None
    ) -> torch.Tensor:
        """States of all slots of all candidates, in one pass.

        Args:
            seen: what was looked at.
            points: N of the format.
            inside_tuple: whether the slots of a candidate see each other.
            slots: only the first so many.

        Returns:
            ``(b, M, 1 + 2N, d)``.
        """
        states = self._queries(seen, points, slots)
        allowed = seen.in_memory[:, None, None, :]
        for block in self._blocks():
            states = self._inside(block, states, inside_tuple)
            flat = block.finish(states.flatten(1, 2), seen.memory, allowed)
            states = flat.unflatten(1, states.shape[1:3])
        return self.norm(states)

    def fill_one_by_one(
        self, seen: Seen, points: int, *, inside_tuple: bool = True
    ) -> tuple[torch.Tensor, int]:
        """The same template slot after slot, candidate after candidate, as a text is written.

        A slot sees those before it in its tuple only.

        Returns:
            ``(b, M, 1 + 2N, d)`` and the number of passes of the decoder.
        """
        rows: list[torch.Tensor] = []
        slots = 1 + 2 * points
        for number in range(seen.items.shape[1]):
            one = replace(seen, items=seen.items[:, number : number + 1])
            states = [
                self.fill(one, points, inside_tuple=inside_tuple, slots=count + 1)[:, :, -1:]
                for count in range(slots)
            ]
            rows.append(torch.cat(states, 2))
        return torch.cat(rows, 1), len(rows) * slots

    @torch.no_grad()
    def class_attention(
        self, seen: Seen, points: int, *, inside_tuple: bool = True
    ) -> torch.Tensor:
        """From the class slot to the dictionary's entries: ``(b, layers, h, M, k)``."""
        states = self._queries(seen, points, None)
        allowed = seen.in_memory[:, None, None, :]
        found: list[torch.Tensor] = []
        for block in self._blocks():
            states = self._inside(block, states, inside_tuple)
            weights = block.memory_weights(states[:, :, 0], seen.memory, allowed)
            found.append(weights[..., seen.entries_in_memory])
            flat = block.finish(states.flatten(1, 2), seen.memory, allowed)
            states = flat.unflatten(1, states.shape[1:3])
        return torch.stack(found, 1)

    def read_words(self, seen: Seen, words: torch.Tensor) -> torch.Tensor:
        """States of a text read so far, each word seeing those before it: ``(b, t)`` → ``…, d``."""
        count = words.shape[1]
        before = torch.ones(count, count, dtype=torch.bool, device=words.device).tril()
        states = self.text.words(words) + self.text_places[:count]
        for block in self._blocks():
            states = block(states, before, seen.memory, seen.in_memory[:, None, None, :])
        return self.norm(states)

    def vocabulary_logits(self, states: torch.Tensor) -> torch.Tensor:
        """Over words, location tokens and class tokens: ``(…, d)`` → ``(…, V)``."""
        classes = states @ self.class_tokens.T
        return torch.cat([self.words_and_locations(states), classes], -1)

    def location_logits(self, states: torch.Tensor) -> torch.Tensor:
        """Over the 2R + 1 location tokens alone."""
        linear = self.words_and_locations
        first = len(self.shape.words)
        return nn.functional.linear(states, linear.weight[first:], linear.bias[first:])

    def class_logits(self, seen: Seen, states: torch.Tensor) -> torch.Tensor:
        """Over the prompt's entries: ``(b, M, d)`` of the class slots → ``(b, M, k)``.

        The pointer scores the entries' own features; the strict head scores the class tokens that
        the prompt gives them. Padding never wins.
        """
        if self.shape.class_head == "pointer":
            logits = self.pointer(states) @ seen.names.transpose(1, 2) * _POINTER_SCALE
        else:
            every = states @ self.class_tokens.T
            tokens = seen.class_tokens[:, None].expand(-1, every.shape[1], -1)
            logits = every.gather(2, tokens)
        return logits.masked_fill(~seen.is_entry[:, None], -torch.inf)

    def _blocks(self) -> list[Block]:
        return [block for block in self.decoder if isinstance(block, Block)]

    def _queries(self, seen: Seen, points: int, slots: int | None) -> torch.Tensor:
        return seen.items[:, :, None] + self.slot_embeddings(points)[:slots]

    def _inside(self, block: Block, states: torch.Tensor, inside_tuple: bool) -> torch.Tensor:
        """Slots look at those of their own candidate, or only at themselves."""
        allowed = None
        if not inside_tuple:
            allowed = torch.eye(states.shape[2], dtype=torch.bool, device=states.device)
        flat = block.look_at_own(states.flatten(0, 1), allowed)
        return flat.unflatten(0, states.shape[:2])
