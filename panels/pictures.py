"""One small drawing per method, made from the method's own idea; colours follow the page."""

from __future__ import annotations

import math
from collections.abc import Callable

WIDTH, HEIGHT = 320, 180


def picture(slug: str) -> str:
    """The SVG of a method for the overview; a plain axis when it has none of its own."""
    inside = PICTURES.get(slug, _axes)()
    return (
        f"<svg class='wb-picture' viewBox='0 0 {WIDTH} {HEIGHT}' aria-hidden='true' "
        f"focusable='false' preserveAspectRatio='xMidYMid slice'>{inside}</svg>"
    )


def _path(points: list[tuple[float, float]], style: str) -> str:
    steps = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f"<polyline points='{steps}' class='{style}'/>"


def _axes() -> str:
    return (
        f"<line class='rule' x1='28' y1='{HEIGHT - 28}' x2='{WIDTH - 20}' y2='{HEIGHT - 28}'/>"
        f"<line class='rule' x1='28' y1='{HEIGHT - 28}' x2='28' y2='20'/>"
    )


def _attention() -> str:
    """Exp(x) on [-a, a] and its Taylor polynomials of degree 1 to 4, as true curves."""
    a = 2.2
    xs = [-a + 2 * a * i / 80 for i in range(81)]

    def place(x: float, y: float) -> tuple[float, float]:
        return 36 + (x + a) / (2 * a) * (WIDTH - 66), HEIGHT - 44 - y / math.exp(a) * (HEIGHT - 76)

    parts = [_axes()]
    for degree in (1, 2, 3, 4):
        ys = [sum(x**k / math.factorial(k) for k in range(degree + 1)) for x in xs]
        kept = [place(x, y) for x, y in zip(xs, ys, strict=True) if y > -1.6]
        parts.append(_path(kept, f"approximate d{degree}"))
    parts.append(_path([place(x, math.exp(x)) for x in xs], "exact"))
    x, y = place(1.45, math.exp(1.45))
    parts.append(f"<circle class='mark' cx='{x:.1f}' cy='{y:.1f}' r='6'/>")
    return "".join(parts)


def _gla() -> str:
    """Zipf's law 1 / rank, as sorted bars, and the uniform prior that is left without it."""
    classes, bottom, height = 14, HEIGHT - 28, HEIGHT - 56
    step = (WIDTH - 60) / classes
    bars = [
        f"<line class='approximate d2' x1='{40 + step * rank:.1f}' y1='{bottom}' "
        f"x2='{40 + step * rank:.1f}' y2='{bottom - height / (rank + 1):.1f}'/>"
        for rank in range(classes)
    ]
    level = bottom - height / 5.0
    uniform = _path([(32.0, level), (WIDTH - 24.0, level)], "exact")
    return "".join([_axes(), *bars, uniform])


def _teaching() -> str:
    """Right answers over the budget: best, worst and random choice of what to explain."""
    helped, harmed = 0.34, 0.16

    def place(budget: float, gain: float) -> tuple[float, float]:
        return 36 + budget * (WIDTH - 66), HEIGHT - 70 - gain * 260

    budgets = [i / 60 for i in range(61)]
    best = [min(b, helped) - max(0.0, b - (1.0 - harmed)) for b in budgets]
    worst = [max(0.0, b - (1.0 - helped)) - min(b, harmed) for b in budgets]
    even = [b * (helped - harmed) for b in budgets]
    chosen = [(2.0 * up + level) / 3.0 for up, level in zip(best, even, strict=True)]
    lines = ((worst, "approximate d1"), (even, "exact"), (best, "approximate d1"))
    parts = [_axes()]
    for gains, style in (*lines, (chosen, "approximate d3")):
        parts.append(_path([place(b, g) for b, g in zip(budgets, gains, strict=True)], style))
    x, y = place(budgets[18], chosen[18])
    parts.append(f"<circle class='mark' cx='{x:.1f}' cy='{y:.1f}' r='6'/>")
    return "".join(parts)


def _dsp() -> str:
    """An article, three of its phrases picked out, and the summary that takes them up."""
    rows = [28 + 18 * row for row in range(8)]
    picked = {1: (52, 96), 4: (84, 120), 6: (36, 84)}
    taken = {3: (210, 254), 4: (230, 266), 5: (206, 254)}
    parts: list[str] = []
    for row, y in enumerate(rows):
        parts.append(_path([(28.0, y), (140.0 if row < 7 else 96.0, y)], "rule"))
        if row in picked:
            left, right = picked[row]
            parts.append(_path([(left, y), (right, y)], "exact"))
    for row in range(3, 6):
        y = rows[row]
        parts.append(_path([(196.0, y), (292.0 if row < 5 else 266.0, y)], "rule"))
        left, right = taken[row]
        parts.append(_path([(left, y), (right, y)], "exact"))
    for (start, (_, right)), (end, (left, _)) in zip(picked.items(), taken.items(), strict=True):
        parts.append(_path([(right + 4, rows[start]), (left - 4, rows[end])], "approximate d3"))
    return "".join(parts)


def _grounded() -> str:
    """A tree of commands: faint where the scene cannot follow, and the one path it can."""
    columns, leaves = (36.0, 112.0, 192.0, 274.0), 9
    rows = [26.0 + (HEIGHT - 52.0) * leaf / (leaves - 1) for leaf in range(leaves)]
    parents = [sum(rows[3 * i : 3 * i + 3]) / 3.0 for i in range(3)]
    root = sum(parents) / 3.0
    parts: list[str] = []
    for i, middle in enumerate(parents):
        is_open = i == 1
        style = "approximate d3" if is_open else "approximate d1"
        parts.append(_path([(columns[0], root), (columns[1], middle)], style))
        parts += [
            _path([(columns[1], middle), (columns[2], row), (columns[3], row)], style)
            for row in rows[3 * i : 3 * i + 3]
        ]
    chosen = rows[5]
    path = [(columns[0], root), (columns[1], parents[1]), (columns[2], chosen)]
    parts.append(_path([*path, (columns[3], chosen)], "exact"))
    dots = [*path, (columns[3], chosen)]
    parts += [f"<circle class='mark' cx='{x:.1f}' cy='{y:.1f}' r='6'/>" for x, y in dots]
    return "".join(parts)


def _visionllm() -> str:
    """A token's centre, the offsets it says, and the box they make; beside it, two more."""
    parts: list[str] = []
    boxes = ((52.0, 40.0, 128.0, 116.0), (164.0, 72.0, 222.0, 130.0), (242.0, 34.0, 292.0, 92.0))
    centres = ((96.0, 86.0), (188.0, 96.0), (270.0, 66.0))
    for number, ((left, top, right, bottom), (x, y)) in enumerate(zip(boxes, centres, strict=True)):
        outline = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
        parts.append(_path(outline, "exact" if number == 0 else "approximate d2"))
        if number == 0:
            ends = ((left, top), (right, bottom))
            parts += [_path([(x, y), corner], "approximate d3") for corner in ends]
        radius = 6 if number == 0 else 4
        parts.append(f"<circle class='mark' cx='{x:.1f}' cy='{y:.1f}' r='{radius}'/>")
    parts.append(_path([(40.0, HEIGHT - 24.0), (200.0, HEIGHT - 24.0)], "rule"))
    parts.append(_path([(208.0, HEIGHT - 24.0), (280.0, HEIGHT - 24.0)], "exact"))
    return "".join(parts)


PICTURES: dict[str, Callable[[], str]] = {
    "attention": _attention,
    "dsp": _dsp,
    "gla": _gla,
    "grounded": _grounded,
    "teaching": _teaching,
    "visionllm": _visionllm,
}
