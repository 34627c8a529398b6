"""The methods of the workbench, in screen order; adding one is one entry here.

The same slug names its module in every room: ``workbench/methods``, ``workbench/figures``,
``panels`` and the tests.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType
from typing import Literal

from workbench.errors import UnknownNameError
from workbench.study import Study

Group = Literal["See", "Read", "Act", "Audit"]


@dataclass(frozen=True, slots=True)
class Method:
    """What the overview says of a method.

    Args:
        slug: name in code, links and the command line.
        title: what its page is headed with; its tab shows what stands before a colon.
        group: which accent colour and which shelf of the overview it belongs to.
        paper: title of the paper.
        authors: who wrote it, where and when.
        arxiv: identifier on arXiv.
        claim: the claim of the paper in one sentence.
        first: what to try first, one sentence.
    """

    slug: str
    title: str
    group: Group
    paper: str
    authors: str
    arxiv: str
    claim: str
    first: str

    @property
    def short_title(self) -> str:
        """Name of its tab: ten of them stand beside each other."""
        return self.title.partition(":")[0]


METHODS: tuple[Method, ...] = (
    Method(
        slug="gla",
        title="GLA: hidden label bias",
        group="See",
        paper=(
            "Generalized Logit Adjustment: Calibrating Fine-tuned Models by Removing Label Bias "
            "in Foundation Models"
        ),
        authors="Zhu, Tang, Sun and Zhang, NeurIPS 2023",
        arxiv="2310.08106",
        claim=(
            "A zero-shot classifier favours the classes its pre-training saw most. A few labelled "
            "pictures show that hidden prior; with it taken out, the zero-shot and the fine-tuned "
            "model together beat either alone, and their plain ensemble."
        ),
        first="Raise the strength of the correction from 0 to 1 and watch tail classes catch up.",
    ),
    Method(
        slug="visionllm",
        title="VisionLLM: tasks in words",
        group="See",
        paper=(
            "VisionLLM: Large Language Model is also an Open-Ended Decoder for Vision-Centric Tasks"
        ),
        authors="Wang, Chen, Chen and others, NeurIPS 2023",
        arxiv="2305.11175",
        claim=(
            "Write the task into the instruction: which classes, how many points, boxes or a "
            "caption. One decoder then fills in the template that the words ask for, so a change "
            "of words is a change of task, with no new head and no new training."
        ),
        first="Take a name out of the instruction and watch its boxes vanish.",
    ),
    Method(
        slug="attention",
        title="Attention: error vs B",
        group="Read",
        paper="Fast Attention Requires Bounded Entries",
        authors="Alman and Song, NeurIPS 2023",
        arxiv="2302.13214",
        claim=(
            "Attention over n tokens can be approximated in almost linear time when every entry "
            "of the queries and keys stays well below √log n, and, unless a standard conjecture "
            "of complexity theory fails, cannot once they reach it."
        ),
        first="Drag B from 0.5 to 3 and watch the same polynomial go from exact to useless.",
    ),
    Method(
        slug="teaching",
        title="Teaching: when to help",
        group="Read",
        paper=(
            "Can Language Models Teach? Teacher Explanations Improve Student Performance via "
            "Personalization"
        ),
        authors="Saha, Hase and Bansal, NeurIPS 2023",
        arxiv="2306.09299",
        claim=(
            "A teacher who may explain only some questions should imagine the student with and "
            "without the explanation, and explain where the difference is largest: not where the "
            "student is weakest, nor where the teacher is surest."
        ),
        first="Play the budget and see which answers help puts right, and which it spoils.",
    ),
    Method(
        slug="dsp",
        title="DSP: hints that steer",
        group="Read",
        paper="Guiding Large Language Models via Directional Stimulus Prompting",
        authors="Li, Peng, He, Galley, Gao and Yan, NeurIPS 2023",
        arxiv="2302.11520",
        claim=(
            "A small policy, trained by reward, writes a short hint for each input. A frozen "
            "language model that reads the hint beside the input answers better, though none of "
            "its own weights has changed."
        ),
        first="Add and take away key phrases of an article and see what its summary makes of them.",
    ),
    Method(
        slug="grounded",
        title="Grounded decoding",
        group="Act",
        paper=(
            "Grounded Decoding: Guiding Text Generation with Grounded Models for Embodied Agents"
        ),
        authors="Huang, Xia, Shah and others, NeurIPS 2023",
        arxiv="2303.00855",
        claim=(
            "A language model knows what people mean, not what is on the table. Multiply each "
            "word's probability by what the scene still allows, and it writes plans that a robot "
            "can carry out, without ever reading the list of everything the robot can do."
        ),
        first="Play the theatre and watch the scene overrule a word that names nothing here.",
    ),
)


def find(slug: str) -> Method:
    """The method with this slug.

    Raises:
        UnknownNameError: no such method; names the nearest.
    """
    for method in METHODS:
        if method.slug == slug:
            return method
    raise UnknownNameError.of("method", slug, (m.slug for m in METHODS))


def module(slug: str) -> ModuleType:
    """The module ``workbench.methods.<slug>``."""
    return importlib.import_module(f"workbench.methods.{find(slug).slug}")


def studies(slug: str) -> dict[str, Study]:
    """The studies of a method by slug, the main one (named as the method) first."""
    return {study.slug: study for study in module(slug).STUDIES}


def find_study(slug: str) -> Study:
    """The study "method" or "method.study".

    Raises:
        UnknownNameError: no such method or study; names the nearest.
    """
    known = studies(slug.partition(".")[0])
    if slug not in known:
        raise UnknownNameError.of("study", slug, known)
    return known[slug]
