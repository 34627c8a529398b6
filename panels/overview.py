"""The opening tab: every method with its picture, its claim and what to try first."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import get_args

import gradio as gr

from panels.pictures import picture
from workbench.methods.catalog import Group, Method

GROUP_WORDS: dict[Group, str] = {
    "See": "What vision and language models recognise",
    "Read": "What language models compute",
    "Act": "Models that point, plan and control",
    "Audit": "What data and benchmarks hide",
}


def build(methods: Sequence[Method]) -> None:
    """Add the overview to the open tab."""
    shelves = "".join(
        _shelf(group, [method for method in methods if method.group == group])
        for group in get_args(Group)
    )
    gr.HTML(
        "<div class='wb-overview'><div class='wb-lede'>"
        "<h1>See what the papers do</h1>"
        "<p>Each tab runs one paper’s own algorithm on a real model. Move a slider and the figure "
        "answers at once; change a text and the model measures again. Every number carries a "
        "receipt, and every view has a link.</p></div>"
        f"{shelves}</div>",
        apply_default_css=False,
    )


def _shelf(group: Group, methods: Sequence[Method]) -> str:
    if not methods:
        return ""
    cards = "".join(_card(method) for method in methods)
    return (
        f"<section class='wb-shelf wb-group-{group.lower()}' aria-label='{group}'>"
        f"<h2><span>{group}</span> {html.escape(GROUP_WORDS[group])}</h2>"
        f"<div class='wb-cards'>{cards}</div></section>"
    )


def _card(method: Method) -> str:
    title = html.escape(method.title)
    return (
        f"<article class='wb-card'>{picture(method.slug)}<div class='wb-card-text'>"
        f"<h3>{title}</h3>"
        f"<p class='wb-paper'>{html.escape(method.authors)}</p>"
        f"<p>{html.escape(method.claim)}</p>"
        f"<p class='wb-first'><strong>Try first.</strong> {html.escape(method.first)}</p>"
        f"<button type='button' class='wb-primary' data-open-tab='{method.slug}'>"
        f"Open<span class='wb-visually-hidden'> {title}</span></button>"
        "</div></article>"
    )


def draw_heading(method: Method) -> None:
    """Add what stands above a method's figures: its name, the paper's claim, the citation."""
    address = f"https://arxiv.org/abs/{html.escape(method.arxiv)}"
    gr.HTML(
        f"<header class='wb-heading'><h2>{html.escape(method.title)}</h2>"
        f"<p class='wb-claim'>{html.escape(method.claim)}</p>"
        f"<p class='wb-cite'>{html.escape(method.authors)}, <cite>{html.escape(method.paper)}"
        f"</cite>, <a href='{address}' target='_blank' rel='noreferrer noopener'>"
        f"arXiv:{html.escape(method.arxiv)}</a></p></header>",
        apply_default_css=False,
    )
