"""Grounders: what the scene says of every skill; each a function of the state, never of the wish.

Affordance, safety and preference are those of arXiv:2303.00855, section 4.1: safety gives
``epsilon`` to what mentions "red" or "knife" and 1 to the rest (the constant Z drops out), and
preference 0.5 to what mentions a preferred object and 0.1 to the rest. The affordance there is a
learned policy's confidence; here it is the simulator's own, mixed with noise on request.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.methods.grounded.habit import habit
from workbench.methods.grounded.worlds.goals import is_hazard
from workbench.methods.grounded.worlds.tabletop import Tabletop
from workbench.methods.grounded.worlds.world import DONE_VALUE, World, with_done

PREFERRED = 0.5
NOT_PREFERRED = 0.1
POSSIBLE = 0.5
"""A command counts as possible from this value on."""


@dataclass(frozen=True, slots=True)
class Mix:
    """Which grounders are on, and how strong.

    Args:
        affordance: whether what cannot be done is ruled out.
        safety: whether hazards are.
        preference: whether some objects are liked better.
        epsilon: safety's value of a hazard, above 0 so that it never rules out by itself.
        preferred: names of the preferred objects.
        habit: whether things that were put somewhere are left alone; see ``habit``.
        done: value of ending the plan while something else can be done; see ``with_done``.
        noise: share of the affordance that is noise, 0 to 1 (a policy that misjudges).
        noise_seed: which noise.
    """

    affordance: bool = True
    safety: bool = False
    preference: bool = False
    habit: bool = False
    epsilon: float = 1e-6
    preferred: tuple[str, ...] = ()
    done: float = DONE_VALUE
    noise: float = 0.0
    noise_seed: int = 0


@dataclass(frozen=True)
class Grounding:
    """What every grounder says of every skill of a world, "done" last.

    Args:
        skills: in words.
        names: of the grounders that are on; none when the model is left ungrounded.
        values: ``(grounders, skills)`` in [0, 1].
    """

    skills: tuple[str, ...]
    names: tuple[str, ...]
    values: np.ndarray

    @property
    def product(self) -> np.ndarray:
        """``(skills,)`` product of all grounders (arXiv:2303.00855, section 3.3)."""
        return self.values.prod(axis=0)

    @property
    def possible(self) -> np.ndarray:
        """``(skills,)`` bool, what no grounder speaks against; being liked less is no obstacle."""
        hard = [
            row for name, row in zip(self.names, self.values, strict=True) if name != "preference"
        ]
        return np.prod(hard, axis=0) >= POSSIBLE if hard else np.ones(len(self.skills), dtype=bool)


def ground(world: World, mix: Mix) -> Grounding:
    """Ask every grounder that is on.

    "done" has the constant of ``with_done`` from the affordance and 1 from every other grounder.
    """
    skills = world.skills()
    named, done = with_done(skills, world.affordances(), value=mix.done)
    rows: dict[str, np.ndarray] = {}
    if mix.affordance:
        noisy = add_noise(done[:-1], skills, mix.noise, mix.noise_seed)
        rows["affordance"] = np.append(noisy, done[-1])
    if mix.safety:
        rows["safety"] = safety(named, mix.epsilon)
    if mix.preference:
        rows["preference"] = np.append(preference(skills, mix.preferred), 1.0)
    if mix.habit and isinstance(world, Tabletop):
        rows["habit"] = np.append(habit(world), 1.0)
    values = np.stack(list(rows.values())) if rows else np.ones((0, len(named)))
    return Grounding(named, tuple(rows), values)


def add_noise(
    affordances: np.ndarray, skills: Sequence[str], noise: float, seed: int
) -> np.ndarray:
    """Affordances as a policy sees them that misjudges.

    Args:
        affordances: ``(skills,)`` true ones.
        skills: in words; each has its own noise, which stays the same from step to step.
        noise: share of noise, 0 to 1.
        seed: which noise.

    Returns:
        ``(1 - noise) a + noise logistic(z)``, z drawn from a normal distribution of spread 2 for
        each skill.
    """
    if noise == 0.0:
        return affordances
    draws = 1.0 / (1.0 + np.exp(-2.0 * np.array([_normal(skill, seed) for skill in skills])))
    return (1.0 - noise) * affordances + noise * draws


def safety(texts: Sequence[str], epsilon: float) -> np.ndarray:
    """``(texts,)`` ``epsilon`` where a text mentions a hazard, else 1."""
    return np.array([epsilon if is_hazard(text) else 1.0 for text in texts])


def preference(texts: Sequence[str], preferred: Sequence[str]) -> np.ndarray:
    """``(texts,)`` 0.5 where a text mentions a preferred object, else 0.1."""
    return np.array(
        [PREFERRED if any(name in text for name in preferred) else NOT_PREFERRED for text in texts]
    )


def detector(names: Sequence[str], scores: dict[str, float], missing: float = 1e-4) -> np.ndarray:
    """``(names,)`` score that a detector gives each phrase; ``missing`` where it has none.

    The paper asks OWL-ViT for the best box of a phrase (arXiv:2303.00855, section 4.3).
    """
    return np.array([scores.get(name, missing) for name in names])


@functools.lru_cache(maxsize=8192)
def _normal(text: str, seed: int) -> float:
    """A standard normal number that belongs to a text, on every machine the same."""
    digest = hashlib.sha256(f"{seed} {text}".encode()).digest()
    return float(np.random.default_rng(int.from_bytes(digest[:8], "big")).standard_normal())
