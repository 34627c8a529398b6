"""The published tables agree with each other and with the templates that stand here."""

import pytest

from workbench.methods.grounded.published import CATEGORIES, METHODS, TASKS, category_mean
from workbench.methods.grounded.worlds.tasks import TEMPLATES


@pytest.mark.parametrize(("category", "is_seen"), CATEGORIES)
@pytest.mark.parametrize("method", ["greedy", "beam"])
def test_the_means_of_the_task_table_are_the_printed_integers(
    category: str, is_seen: bool, method: str
) -> None:
    printed = CATEGORIES[(category, is_seen)][METHODS.index(method)]
    # halves are printed rounded either way (42.5 as 43 or 42), so half a point is the tolerance
    assert category_mean(category, is_seen, method) == pytest.approx(printed, abs=0.5)


def test_the_rows_are_the_templates_of_the_tabletop() -> None:
    assert {(t.template, t.category, t.is_seen) for t in TASKS} == {
        (t.name, t.category, t.is_seen) for t in TEMPLATES.values()
    }
    assert [sum(t.is_seen for t in TASKS), len(TASKS)] == [10, 20]
