"""What the tabs open with was measured by this project, is current, and measures the same again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pytest

from workbench.methods.catalog import METHODS, studies
from workbench.server.api import Result
from workbench.server.local import SHIPPED_RESULTS, open_engine
from workbench.settings import Settings
from workbench.study import gather
from workbench.warm import warm

RELATIVE_TOLERANCE = 2e-3
"""Between processors: float32 sums in another order, through 30 layers."""
TRAINED = {"gla", "gla.picture"}
"""Studies that train models: minutes each, and training lets rounding grow beyond any tolerance."""
WHOLE_PLANS = {"grounded.mixer", "grounded.prompt", "grounded.kitchen"}
SAMPLED = WHOLE_PLANS | set(studies("teaching")) | set(studies("dsp"))
"""Minutes of planning and half an hour each of teaching and hints; ``test_grounded_again``,
``test_teaching_sample`` and ``test_dsp_sample`` measure parts of them again."""


def opening_answers(
    home: Path, *, offline: bool, fresh: bool, but: Collection[str] = ()
) -> dict[str, list[Result]]:
    """What each study opens with, by its slug."""
    engine = open_engine(Settings(home=home, offline=offline, device="cpu"))
    answers: dict[str, list[Result]] = {}
    try:
        for method in METHODS:
            for study in studies(method.slug).values():
                if not study.is_local and study.slug not in but:
                    found = answers.setdefault(study.slug, [])
                    gather(study, engine, study.params(), fresh=fresh, on_answer=found.append)
    finally:
        engine.close()
    return answers


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[Result]]:
    """What the tabs open with in an empty home without a network."""
    return opening_answers(tmp_path_factory.mktemp("home"), offline=True, fresh=False)


def test_every_tab_opens_from_shipped_results_without_any_model(
    shipped: Mapping[str, list[Result]],
) -> None:
    answers = [answer for of_study in shipped.values() for answer in of_study]
    assert {answer.receipt.source for answer in answers} == {"shipped"}
    assert {f"{answer.receipt.key}.bin" for answer in answers} == {
        path.name for path in SHIPPED_RESULTS.glob("*.bin")
    }, "run `make results`: an answer is missing, or lies there that no tab opens with"


def test_shipped_results_say_where_they_were_measured(
    shipped: Mapping[str, list[Result]],
) -> None:
    for answer in (answer for of_study in shipped.values() for answer in of_study):
        receipt = answer.receipt
        assert receipt.dtype == "float32" or receipt.model is None
        assert receipt.model_digest or receipt.model is None
        assert receipt.device
        assert receipt.created
        assert {"python", "numpy", "torch", "transformers"} <= set(receipt.packages)


@pytest.mark.model
@pytest.mark.timeout(1200)  # three minutes of a quiet machine
def test_shipped_results_measure_the_same_again(
    tmp_path: Path, shipped: Mapping[str, list[Result]]
) -> None:
    (tmp_path / "models").symlink_to(Settings().models_dir, target_is_directory=True)
    again = opening_answers(tmp_path, offline=True, fresh=True, but=TRAINED | SAMPLED)
    assert again.keys() == shipped.keys() - TRAINED - SAMPLED
    pairs = [
        pair  # what is asked for together comes in any order
        for slug, found in again.items()
        for pair in zip(sorted(shipped[slug], key=_key), sorted(found, key=_key), strict=True)
    ]
    assert pairs
    for old, new in pairs:
        assert new.receipt.source == "computed"
        assert new.receipt.key == old.receipt.key
        assert set(new.arrays) == set(old.arrays)
        for name, array in old.arrays.items():
            np.testing.assert_allclose(
                new.arrays[name], array, rtol=RELATIVE_TOLERANCE, atol=1e-4, err_msg=name
            )


def _key(answer: Result) -> str:
    return answer.receipt.key


def test_shipping_replaces_what_no_tab_opens_with(tmp_path: Path) -> None:
    stale = tmp_path / "shipped" / f"{'0' * 64}.bin"
    stale.parent.mkdir()
    stale.write_bytes(b"old")
    engine = open_engine(Settings(home=tmp_path, offline=True))
    try:
        lines: list[str] = []
        warm(engine, ship=stale.parent, say=lines.append)
    finally:
        engine.close()
    assert not stale.exists()
    assert {p.name for p in stale.parent.iterdir()} == {
        p.name for p in SHIPPED_RESULTS.glob("*.bin")
    }
    assert any("attention" in line for line in lines)
    count = len(list(SHIPPED_RESULTS.glob("*.bin")))
    assert lines[-1].endswith(f"{count} new, 0 kept as they were, 1 removed")
