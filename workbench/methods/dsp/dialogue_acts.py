"""Dialogue acts as the authors' MultiWOZ files write them, and their two scores.

"[train] [inform] leave [general] [reqmore]" names a domain, an act and its slots, as often as
needed (arXiv:2302.11520, code). Without a database there is no Inform and no Success: a reply is
judged by sentence BLEU, acts by the parts they share.
"""

from __future__ import annotations

import re

from workbench.errors import InputError, UnknownNameError

ACTS = (
    *("inform", "request", "nooffer", "recommend", "select", "offerbook"),
    *("offerbooked", "nobook", "bye", "greet", "welcome", "reqmore"),
)
DOMAINS = (
    *("restaurant", "hotel", "train", "taxi", "attraction", "hospital", "police", "bus"),
    "general",
)
_PART = re.compile(r"\[(\w+)\]|([^\s\[\]]+)")

Triple = tuple[str, str, str]


def parse_act(text: str) -> frozenset[Triple]:
    """The (domain, act, slot) triples of an act; an act without slots has the slot "".

    Args:
        text: such as "[train] [inform] leave arrive"; may be empty.

    Raises:
        InputError: an act before any domain, or a slot before any act.
        UnknownNameError: a name in brackets that is neither a domain nor an act.

    Example:
        >>> sorted(parse_act("[train] [inform] leave [general] [bye]"))
        [('general', 'bye', ''), ('train', 'inform', 'leave')]
    """
    found: set[Triple] = set()
    domain = act = ""
    has_slot = True
    for name, slot in _PART.findall(text.lower()):
        if name in DOMAINS:
            _close(found, domain, act, has_slot)
            domain, act, has_slot = name, "", True
        elif name in ACTS:
            if not domain:
                raise InputError(f"The act [{name}] has no domain; write one first: [train].")
            _close(found, domain, act, has_slot)
            act, has_slot = name, False
        elif name:
            raise UnknownNameError.of("domain or act", name, (*DOMAINS, *ACTS))
        elif not act:
            raise InputError(f"The slot {slot!r} has no act; write one first: [inform] {slot}.")
        else:
            found.add((domain, act, slot))
            has_slot = True
    _close(found, domain, act, has_slot)
    return frozenset(found)


def _close(found: set[Triple], domain: str, act: str, has_slot: bool) -> None:
    if act and not has_slot:
        found.add((domain, act, ""))


def jaccard(one: str, other: str) -> float:
    """Shared triples of two acts over all their triples; two empty acts are the same.

    Raises:
        InputError: an act that cannot be read.
    """
    a, b = parse_act(one), parse_act(other)
    return len(a & b) / len(a | b) if a | b else 1.0


def sentence_bleu(reply: str, reference: str) -> float:
    """SacreBLEU of one sentence, 0 to 100, lower-cased as delexicalised replies are."""
    # imported here because most studies do without it
    from sacrebleu import sentence_bleu as sacre

    return float(sacre(reply, [reference], lowercase=True).score)
