"""The operations of directional stimulus prompting: what they refuse, and that they can be left."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from tests.server.operations.recording import RecordingControl, run_one
from workbench.data.dsp import MAX_CHARACTERS, read_rows, read_set, repeated_sentences
from workbench.errors import CancelledError, InputError, UnknownNameError
from workbench.methods.dsp.features import FEATURES, phrase_features, texts_to_embed
from workbench.methods.dsp.rouge import rouge_scores
from workbench.server.api import Request
from workbench.server.operations import dsp_data, phrase_policy, rouge, train_phrases
from workbench.training.phrase_policy import new_policy, read_weights

NO_MODEL = SimpleNamespace(name=None, device="cpu")
ARTICLE = {"id": "a", "article": "The ferry sank.", "highlights": "A ferry sank."}
DIALOGUE = {"id": "d", "turns": [{"user": "hi", "resp": "hello", "aspn": "[general] [greet]"}]}
PROBLEM = {"id": "p", "question": "1 + 1?", "final_ans": 2}


@pytest.mark.parametrize(
    ("kind", "row", "field", "value", "message"),
    [
        ("articles", ARTICLE, "article", "  ", "Line 2: article must be text"),
        ("articles", ARTICLE, "article", "x" * (MAX_CHARACTERS + 1), "at most 20,000"),
        ("articles", ARTICLE, "highlights", None, "highlights must be text"),
        ("dialogues", DIALOGUE, "turns", [], "at least one turn"),
        ("dialogues", DIALOGUE, "turns", [{"user": "hi", "resp": "yes"}], "aspn must be text"),
        (
            "dialogues",
            DIALOGUE,
            "turns",
            [{"user": "hi", "resp": "yes", "aspn": "[general] [sing]"}],
            "names no act",
        ),
        ("problems", PROBLEM, "final_ans", "two", "final_ans must be a number"),
        ("problems", PROBLEM, "final_ans", True, "final_ans must be a number"),
    ],
)
def test_a_row_that_is_wrong_is_refused_with_its_line(kind, row, field, value, message):
    lines = [json.dumps(row), json.dumps({**row, field: value})]
    with pytest.raises(InputError, match=message):
        read_rows("\n".join(lines), kind)
    assert len(read_rows("\ufeff" + lines[0] + "\n\n", kind)) == 1


def test_text_that_is_no_json_an_empty_file_and_an_unknown_kind_are_refused():
    with pytest.raises(InputError, match="Line 1 is not JSON"):
        read_rows("{", "articles")
    with pytest.raises(InputError, match="not an object"):
        read_rows("[1]", "articles")
    with pytest.raises(InputError, match="no rows"):
        read_rows(" \n", "articles")
    with pytest.raises(UnknownNameError):
        read_rows("{}", "poems")
    with pytest.raises(UnknownNameError, match="articles-test"):
        read_set("article-test")


def test_the_splits_share_no_sentence_and_have_the_sizes_they_claim():
    sizes = {"articles-train": 120, "articles-validation": 40, "articles-test": 100}
    texts: list[str] = []
    for name, size in sizes.items():
        rows, _ = read_set(name)
        assert len(rows) == size
        assert len({row["id"] for row in rows}) == size
        assert all(60 <= len(row["article"].split()) <= 165 for row in rows)
        texts += [row["article"] for row in rows]
    assert repeated_sentences(texts) == ()
    assert len(read_set("dialogues")[0]) == 20
    assert len(read_set("problems")[0]) == 100


def test_problems_are_solved_by_their_steps():
    for row in read_set("problems")[0]:
        value = eval(row["steps"][-1], {"__builtins__": {}})  # noqa: S307  our own arithmetic
        assert value == pytest.approx(float(row["final_ans"]))


def test_a_set_of_another_version_is_refused():
    with pytest.raises(InputError, match="another version"):
        run_one(dsp_data.ARTICLES, NO_MODEL, {"split": "test", "digest": "0" * 64})


def test_rouge_of_pairs_is_rouge_of_each_and_says_when_they_do_not_pair():
    texts = ["a ferry sank", "the pier", ""]
    found = run_one(
        rouge.OPERATION,
        NO_MODEL,
        {"predictions": texts, "references": texts[::-1], "stemmer": False},
    )
    expected = rouge_scores(texts, texts[::-1], stemmer=False)
    assert found.arrays["scores"].tolist() == expected.tolist()
    with pytest.raises(InputError, match="one reference for each"):
        rouge.prepare(
            Request(
                "text.rouge",
                arguments={"predictions": ["a"], "references": ["a", "b"], "stemmer": True},
            )
        )


def test_candidates_are_described_by_the_article_alone(bert):
    article = "The ferry to Aldermoor sank in 2021. Nobody was hurt."
    phrases, ranks = ["ferry", "Aldermoor", "2021"], [0.2, 0.4, 0.1]
    found = run_one(
        phrase_policy.DESCRIBE,
        bert,
        {
            "articles": [
                {"article": article, "phrases": phrases, "ranks": ranks},
                {"article": "Short.", "phrases": [], "ranks": []},
            ]
        },
    )
    features, similarity = found.arrays["features"], found.arrays["similarity"]
    assert features.shape == (2, 3, len(FEATURES))
    assert found.arrays["present"].tolist() == [[True] * 3, [False] * 3]
    assert np.diagonal(similarity[0]) == pytest.approx([1, 1, 1], abs=1e-5)
    assert (similarity[1] == 0).all()
    named = dict(zip(FEATURES, features[0].T, strict=True))
    assert named["holds a digit"].tolist() == [0, 0, 1]
    assert named["share of capitalised words"].tolist() == [0, 1, 0]
    assert named["TextRank"] == pytest.approx([0.5, 1, 0.25])
    assert np.argsort(named["place in the article"]).tolist() == [0, 1, 2]
    with pytest.raises(InputError, match="a rank for each phrase"):
        run_one(
            phrase_policy.DESCRIBE,
            bert,
            {"articles": [{"article": article, "phrases": phrases, "ranks": [1.0]}]},
        )


def test_features_of_no_candidates_are_an_empty_table():
    vectors = np.ones((2, 4), dtype=np.float32)
    assert phrase_features("A text.", [], [], vectors).shape == (0, len(FEATURES))
    assert texts_to_embed("A text.", ["text"]) == ["A text.", "A text.", "text"]


def some_arrays() -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    candidates = {
        "features": draw.normal(size=(3, 4, len(FEATURES))).astype(np.float32),
        "similarity": np.tile(np.eye(4, dtype=np.float32), (3, 1, 1)),
        "present": np.ones((3, 4), dtype=bool),
    }
    weights = read_weights(new_policy(len(FEATURES), 0))
    return {
        **candidates,
        **{f"validation_{name}": array for name, array in candidates.items()},
        "bits": np.tile(1 << np.arange(4), (3, 1)),
        "terminal": draw.random((3, 16)),
        "hits": draw.random((3, 4)) < 0.5,
        "weights": weights,
        "reference": weights,
        "mask": weights,
        "moments": np.zeros((2, len(weights)), dtype=np.float32),
        "counts": np.zeros(2, dtype=np.int64),
        "numbers": np.array([0.005, 0.0]),
    }


def train(arrays, control=None, **arguments):
    request = Request(
        "policy.train_phrases",
        arguments={"iterations": 3, "rollouts": 24, **arguments},
        arrays=arrays,
        seed=0,
    )
    prepared = train_phrases.prepare(request)
    (found,) = train_phrases.run(None, [prepared], control or RecordingControl(), "cpu")
    return found


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("features", lambda a: a[:, :, :2], "give present"),
        ("terminal", lambda a: a[:, :8], "lacks hints"),
        ("terminal", lambda a: a * np.nan, "not finite"),
        ("hits", lambda a: a[:2], "bits and hits"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(name, change, message):
    arrays = some_arrays()
    with pytest.raises(InputError, match=message):
        train({**arrays, name: change(arrays[name])})


def test_weights_of_another_policy_are_refused():
    arrays = some_arrays()
    few = arrays["weights"][:10]
    found = train({**arrays, "weights": few, "reference": few, "mask": few})
    assert isinstance(found, InputError)
    assert "weights" in str(found)


def test_training_in_parts_is_training_at_once_and_streams_its_curve():
    control = RecordingControl()
    whole = train(some_arrays(), control, look_last=True)
    assert [values["iteration"] for _, values in control.partials] == [0, 1, 2, 3]
    first = train(some_arrays(), iterations=2)
    kept = {name: first.arrays[name] for name in train_phrases.CHECKPOINT_ARRAYS}
    second = train({**some_arrays(), **kept}, iterations=1, look_last=True)
    reward = np.concatenate([first.arrays["reward"], second.arrays["reward"]])
    np.testing.assert_allclose(reward, whole.arrays["reward"], atol=1e-6)
    np.testing.assert_allclose(second.arrays["weights"], whole.arrays["weights"], atol=1e-6)


def test_a_training_can_be_left_in_the_middle_of_an_update_and_begun_again():
    arrays = some_arrays()
    before = {name: array.copy() for name, array in arrays.items()}

    def leave(steps: int) -> None:
        if steps == 4:  # after the first look, between two updates
            raise CancelledError("Nobody waits.")

    with pytest.raises(CancelledError):
        train(arrays, RecordingControl(leave))
    for name, array in arrays.items():
        assert (array == before[name]).all()
    again, untouched = train(arrays), train(some_arrays())
    assert (again.arrays["weights"] == untouched.arrays["weights"]).all()
