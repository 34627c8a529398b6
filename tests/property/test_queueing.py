"""Properties of the queue and of batches, against brute force."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from workbench.server.admission import FairQueue
from workbench.server.batching import Formed, Size, form

entries = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 999)), unique=True)
sizes = st.lists(
    st.builds(
        Size,
        group=st.sampled_from(["x", "y"]),
        cost=st.integers(1, 20),
        max_batch_cost=st.just(40),
        max_batch_items=st.just(4),
        waiting_since=st.floats(0, 10),
    ),
    max_size=12,
)


def brute_force_order(lines: dict[str, list[object]]) -> list[object]:
    """Deal one entry of each user in turn, as one deals cards."""
    remaining = {user: list(line) for user, line in lines.items()}
    dealt = []
    while any(remaining.values()):
        dealt += [line.pop(0) for line in remaining.values() if line]
    return dealt


@given(entries)
def test_the_order_is_that_of_dealing_cards(given_entries: list[tuple[str, int]]) -> None:
    queue: FairQueue[tuple[str, int]] = FairQueue(10_000, 10_000)
    lines: dict[str, list[object]] = {}
    for entry in given_entries:
        queue.push(entry, [entry[0]])
        lines.setdefault(entry[0], []).append(entry)
    assert queue.order() == brute_force_order(lines)


@given(entries)
def test_the_told_order_is_the_order_of_service_when_nothing_more_comes(
    given_entries: list[tuple[str, int]],
) -> None:
    queue: FairQueue[tuple[str, int]] = FairQueue(10_000, 10_000)
    for entry in given_entries:
        queue.push(entry, [entry[0]])
    told = queue.order()
    served = []
    while len(queue):
        head = queue.order()[0]
        queue.serve(head, [head])
        served.append(head)
    assert served == told


@given(entries, st.data())
def test_between_two_services_of_one_user_every_other_waiting_user_is_served(
    given_entries: list[tuple[str, int]], data: st.DataObject
) -> None:
    queue: FairQueue[tuple[str, int]] = FairQueue(10_000, 10_000)
    late = data.draw(st.integers(0, len(given_entries)))
    for entry in given_entries[:late]:
        queue.push(entry, [entry[0]])
    waiting_for: dict[str, int] = {}
    arrivals = given_entries[late:]
    while len(queue) or arrivals:
        if arrivals:
            entry = arrivals.pop()
            queue.push(entry, [entry[0]])
        waiting = {user for user, _ in queue.order()}
        head = queue.order()[0]
        queue.serve(head, [head])
        for user in waiting - {head[0]}:
            waiting_for[user] = waiting_for.get(user, 0) + 1
            assert waiting_for[user] <= 3  # the other users, once each
        waiting_for[head[0]] = 0


def formed_now(given_sizes: Sequence[Size]) -> Formed[int]:
    return form(range(len(given_sizes)), lambda i: given_sizes[i], now=1e6, wait_s=0.0)


@given(sizes)
def test_a_batch_is_of_one_group_within_its_bounds_and_starts_with_the_first(
    given_sizes: list[Size],
) -> None:
    batch = formed_now(given_sizes).batch
    assert bool(batch) == bool(given_sizes)
    if batch:
        assert batch[0] == 0
        assert list(batch) == sorted(set(batch))
        chosen = [given_sizes[i] for i in batch]
        assert len({size.group for size in chosen}) == 1
        padded = max(size.cost for size in chosen) * len(chosen)
        assert len(chosen) == 1 or padded <= chosen[0].max_batch_cost
        assert len(chosen) <= chosen[0].max_batch_items


@given(sizes)
def test_nobody_is_passed_over_who_would_have_fitted(given_sizes: list[Size]) -> None:
    batch = formed_now(given_sizes).batch
    for i, size in enumerate(given_sizes):
        if i in batch or size.group != given_sizes[0].group:
            continue
        before = [given_sizes[j] for j in batch if j < i]
        padded = max(s.cost for s in [*before, size]) * (len(before) + 1)
        assert padded > size.max_batch_cost or len(before) >= size.max_batch_items


@given(sizes, st.floats(0, 20), st.floats(0, 5))
def test_a_batch_waits_only_while_it_could_grow_and_never_longer_than_allowed(
    given_sizes: list[Size], now: float, wait_s: float
) -> None:
    formed = form(range(len(given_sizes)), lambda i: given_sizes[i], now=now, wait_s=wait_s)
    assert not (formed.batch and formed.wait_s)
    if formed.wait_s is not None:
        batch = [given_sizes[i] for i in formed_now(given_sizes).batch]
        largest = max(size.cost for size in batch)
        assert len(batch) < batch[0].max_batch_items
        assert largest * (len(batch) + 1) <= batch[0].max_batch_cost
        assert 0 < formed.wait_s <= given_sizes[0].waiting_since + wait_s - now + 1e-9
    elif given_sizes:
        assert formed.batch == formed_now(given_sizes).batch
