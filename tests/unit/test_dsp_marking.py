"""Where the phrases of a hint stand, and signs of a gamed reward."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.methods.dsp.hacking_signs import copied_rate, unsupported_numbers
from workbench.methods.dsp.marking import fate, find_phrases, occurs

TEXT = "The new ferry sails.\nA NEW ferry, and the ferry pier."


def test_places_carry_the_phrase_whatever_its_case() -> None:
    places = find_phrases(TEXT, ["new ferry", "Pier"])
    assert [TEXT[p.start : p.end] for p in places] == ["new ferry", "NEW ferry", "pier"]
    assert [p.phrase for p in places] == [0, 0, 1]


def test_of_two_phrases_that_overlap_the_longer_is_marked() -> None:
    places = find_phrases(TEXT, ["ferry", "new ferry"])
    assert [p.phrase for p in places] == [1, 1, 0]


@given(st.text("ab -\n", max_size=40), st.lists(st.text("ab .(", max_size=5), max_size=6))
def test_places_never_overlap_and_hold_their_phrase(text: str, phrases: list[str]) -> None:
    places = find_phrases(text, phrases)
    for one, after in itertools.pairwise(places):
        assert one.end <= after.start
    for place in places:
        assert (
            text[place.start : place.end].lower().split() == phrases[place.phrase].lower().split()
        )


def test_a_substring_counts_unless_whole_words_are_asked_for() -> None:
    assert occurs("art", "the party")
    assert not occurs("art", "the party", whole_words=True)
    assert not occurs("  ", "the party")


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [("new ferry", "good"), ("pier", "accent"), ("tunnel", "muted"), ("", "muted")],
)
def test_fates_are_used_and_right_used_only_and_ignored(phrase: str, expected: str) -> None:
    assert fate(phrase, "The new ferry left the pier.", "A New Ferry opened.") == expected


def test_a_copy_copies_everything_and_a_stranger_nothing() -> None:
    assert copied_rate(TEXT, TEXT) == 1.0
    assert copied_rate("one two three four", "five six seven eight") == 0.0
    assert copied_rate("two words", TEXT) == 0.0


def test_the_copied_rate_is_counted_by_hand() -> None:
    # runs of three: "the cat sat" yes, "cat sat up" no, "sat up there" no
    assert copied_rate("The cat sat up there", "See the cat sat down") == pytest.approx(1 / 3)


@given(
    st.lists(st.sampled_from("abcd"), max_size=12), st.lists(st.sampled_from("abcd"), max_size=12)
)
def test_longer_runs_are_copied_less_often(text: list[str], source: list[str]) -> None:
    if len(text) >= 3 and copied_rate(" ".join(text), " ".join(source), n=1) == 0.0:
        assert copied_rate(" ".join(text), " ".join(source), n=2) == 0.0


@pytest.mark.parametrize(
    ("text", "source", "expected"),
    [
        ("It cost 1,200 in 1921.", "1200 paid, 1921", ()),
        ("It cost 15.", "It cost 1.5.", ("15",)),
        ("40, 40 and 41", "41", ("40",)),
        ("In 1921.", "By 1921, they", ()),
        ("no number", "", ()),
    ],
)
def test_numbers_are_supported_when_the_article_has_them(
    text: str, source: str, expected: tuple[str, ...]
) -> None:
    assert unsupported_numbers(text, source) == expected
