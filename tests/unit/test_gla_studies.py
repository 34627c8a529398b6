"""The studies of the emoji models, and every figure of the tab as data."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import plotly.graph_objects as go
import pytest

from tests.unit.gla_pictures import (
    CLASSES,
    NAMES,
    WORLD,
    benefit_inputs,
    bias_inputs,
    names_inputs,
    own_task_inputs,
    surgery_inputs,
)
from workbench.errors import BugError, InputError
from workbench.figures import gla as figures
from workbench.figures.gla import published_tables
from workbench.figures.live import LiveFigure
from workbench.figures.theme import PALETTE
from workbench.methods import gla
from workbench.methods.gla import (
    benefit,
    bias,
    comparison,
    decision_map,
    names,
    own_task,
    planted,
    solver,
    surgery,
    world,
)
from workbench.methods.gla.accuracy import accuracy_by_group
from workbench.methods.gla.adjust import adjust
from workbench.methods.gla.emoji import MODELS
from workbench.params import Choice, Flag, Range, fields_of, parse
from workbench.server.api import Request, canonical_json

MAXIMUM_PAYLOAD_BYTES = 1_500_000


@pytest.fixture(scope="module")
def gain() -> benefit.Result:
    return benefit.compute(benefit_inputs(), benefit.Params(seeds=2))


@pytest.fixture(scope="module")
def biased() -> bias.Result:
    return bias.compute(bias_inputs(), bias.Params())


@pytest.fixture(scope="module")
def operated() -> surgery.Result:
    return surgery.compute(surgery_inputs(), surgery.Params())


# ---------------------------------------------------------------- does GLA win?


def test_the_summary_has_the_promised_names_with_their_intervals(gain: benefit.Result) -> None:
    summary = benefit.summarise(gain)
    canonical_json(dict(summary))
    for name in (
        "accuracy_zero_shot",
        "accuracy_fine_tuned",
        "accuracy_ensemble",
        "accuracy_gla",
        "accuracy_oracle",
        "prior_spearman",
        "prior_total_variation",
        "gain_over_fine_tuned",
        "gain_over_ensemble",
        "gain_over_zero_shot_debiased",
    ):
        assert summary[f"{name}_low"] <= summary[name] <= summary[f"{name}_high"]
        assert summary[f"{name}_low"] < summary[f"{name}_high"]


def test_accuracies_are_those_of_adjusted_logits(gain: benefit.Result) -> None:
    inputs = benefit_inputs()
    labels = inputs.test.labels
    found = []
    for run in inputs.fine_tuned["full"]:
        t = comparison.find_temperature("joint", run.estimate_logits, inputs.estimate.labels)
        scores = adjust(
            run.test_logits / t,
            inputs.test.logits / gain.temperature,
            log_prior_pretrain=gain.prior.log_prior,
            log_prior_downstream=run.log_prior,
        )
        found.append(accuracy_by_group(scores, labels, log_prior=inputs.test.log_truth))
    summary = benefit.summarise(gain)
    assert summary["accuracy_gla"] == pytest.approx(np.mean([f["all"] for f in found]), abs=1e-5)
    assert summary["accuracy_gla_tail"] == pytest.approx(
        np.mean([f["tail"] for f in found]), abs=1e-5
    )


@pytest.mark.parametrize("kind", benefit.TUNINGS)
def test_the_corners_of_the_mixture_are_the_named_methods(gain: benefit.Result, kind: str) -> None:
    found = gain.benefits[kind]
    strengths, weights = gain.strengths.tolist(), gain.weights.tolist()
    one = 1.5 / gain.test_pictures  # single precision may decide a tie the other way
    for method, strength, weight in (
        ("zero_shot", 0.0, 0.0),
        ("zero_shot_debiased", 1.0, 0.0),
        ("fine_tuned", 0.0, 1.0),
        ("ensemble", 0.0, 0.5),
        ("gla", 1.0, 0.5),
    ):
        place = strengths.index(strength), weights.index(weight)
        fixed = found.answers[method]
        assert found.mixture.by_class[place].mean() == pytest.approx(fixed.by_class.mean(), abs=one)
        assert found.mixture.flows[place] == pytest.approx(fixed.flows, abs=0.01)
        assert found.mixture.replicates[place] == pytest.approx(fixed.replicates, abs=0.005)


def test_flows_and_right_guesses_account_for_every_picture(gain: benefit.Result) -> None:
    mixture = gain.benefits["full"].mixture
    right = np.stack([mixture.by_class[..., gain.groups == g].mean(axis=-1) for g in range(3)], -1)
    assert mixture.flows.sum(axis=-1) + right == pytest.approx(1.0)


def test_independent_fine_tuning_gives_a_gain_and_the_words_say_how_much(
    gain: benefit.Result,
) -> None:
    assert gain.benefits["full"].gain_fine_tuned.low > 0.0
    assert gain.benefits["full"].gain_ensemble.low > 0.0
    at = {"tuning": "full", "strength": 1.0, "weight": 0.5}
    words = figures.draw_accuracy(gain).words_at(**at)
    assert "Against the fine-tuned model that is +" in words
    assert "does not" not in words


def test_where_gla_does_not_win_the_words_say_so_and_why() -> None:
    inputs = benefit_inputs(is_independent=False)
    test, estimate = (
        replace(p, logits=p.logits - 1.5 * np.float32(1.0) * WORLD.log_prior_pretrain)
        for p in (inputs.test, inputs.estimate)
    )
    flat = benefit.compute(replace(inputs, test=test, estimate=estimate), benefit.Params(seeds=2))
    words = figures.draw_accuracy(flat).words_at(tuning="linear", strength=1.0, weight=0.5)
    assert "does not clearly beat" in words or "is worse than" in words
    assert "errors agree" in words or "adds more noise" in words or "little prior" in words
    assert flat.benefits["linear"].gain_ensemble.high < 0.02


def test_a_tailed_fine_tuning_is_corrected_by_its_own_prior() -> None:
    found = benefit.compute(benefit_inputs(is_tailed=True), benefit.Params(seeds=2))
    full = found.benefits["full"]
    assert full.gain_ensemble.low > 0.03
    assert full.mixture.by_class[4, 8].mean() > full.accuracy("fine_tuned").mean  # τ = 1, w = 1


@pytest.mark.parametrize("how", comparison.TEMPERATURES)
def test_the_temperature_undoes_what_was_too_bold(how: str) -> None:
    estimate = benefit_inputs().estimate  # planted: 1.5 times too bold
    found = comparison.find_temperature(how, estimate.logits, estimate.labels)
    if how == "joint":
        assert found == pytest.approx(1.5, rel=0.15)
    else:
        assert (found == 1.0) if how == "none" else (found > 1.5)


def test_printed_numbers_are_the_authors_and_gla_has_none_where_they_print_none(
    gain: benefit.Result,
) -> None:
    # readme of the authors' code: ImageNet, RN50, mean of three seeds
    assert published_tables.FEW_SHOT == {1: 61.87, 2: 62.64, 4: 63.31, 8: 64.48, 16: 65.63}
    # their follow-up: ImageNet, ViT-B/16
    assert [value for _, value in published_tables.LADDER] == [68.3, 79.3, 81.3, 82.2, 82.5, None]
    drawn = figures.draw_published_tables(gain).at(tuning="linear", strength=1.0, weight=0.5)
    of_role = {
        role: [t for t in drawn.data if (t.line.color or t.marker.color) == PALETTE[role]]
        for role in ("published", "green")
    }
    assert sorted(len(t.x) for t in of_role["published"]) == [5, 5, 5]  # and nothing invented
    ours = [t for t in of_role["green"] if len(t.x) == len(published_tables.LADDER)]
    found = gain.benefits["linear"]
    assert ours[0].x[-1] == pytest.approx(100 * found.accuracy("gla").mean, abs=1e-3)
    assert ours[0].x[1] == pytest.approx(100 * found.accuracy("fine_tuned").mean, abs=1e-3)


# ---------------------------------------------------------------- whose prior is it?


def test_only_the_model_that_carries_the_prior_shows_it(biased: bias.Result) -> None:
    bank, batch = (biased.models[m].estimates[-1].agreement for m in MODELS)
    assert bank.pearson > 0.9
    assert bank.kl < 0.15 * bank.kl_uniform
    assert batch.slope < 0.3
    assert batch.kl > 0.5 * batch.kl_uniform


def test_taking_out_the_frequency_hurts_the_model_that_does_not_carry_it(
    biased: bias.Result,
) -> None:
    batch = biased.models[MODELS[1]]
    assert batch.oracle["all"] < batch.zero_shot["all"] - 0.02
    words = figures.draw_bias(biased).words_at(model=MODELS[1], labelled="40")
    assert "would hurt" in words
    bank = biased.models[MODELS[0]]
    assert bank.oracle["tail"] > bank.zero_shot["tail"] + 0.05


def test_the_bias_summary_is_flat_and_finite(biased: bias.Result) -> None:
    summary = bias.summarise(biased)
    canonical_json(dict(summary))
    assert summary["prior_pearson_low"] < summary["prior_pearson"] < summary["prior_pearson_high"]


# ---------------------------------------------------------------- one picture


def test_pictures_are_of_the_kinds_they_are_shown_as(operated: surgery.Result) -> None:
    gla_right = operated.guesses[:, 1, 1, 1, 1] == operated.truth
    plain_right = operated.guesses[:, 1, 0, 1, 0] == operated.truth
    rescued = gla_right & ~plain_right
    count = int(rescued.sum())
    assert 0 < count <= surgery.EACH_KIND
    assert rescued[:count].all()
    assert len(operated.truth) == 24


def test_the_largest_sum_shown_is_the_guess(operated: surgery.Result) -> None:
    for present in np.ndindex(2, 2, 2, 2):
        if not (present[0] or present[2]):
            continue
        sums = np.tensordot(np.array(present, float), operated.parts, axes=(0, 1))
        shown = operated.candidates[np.arange(24), sums.argmax(axis=1)]
        assert np.array_equal(shown, operated.guesses[(slice(None), *present)]), present


def test_the_true_class_is_always_among_the_candidates(operated: surgery.Result) -> None:
    assert (operated.candidates == operated.truth[:, None]).any(axis=1).all()


def test_one_pictures_summary_names_its_guesses(operated: surgery.Result) -> None:
    summary = surgery.summarise(operated)
    canonical_json(dict(summary))
    assert summary["is_right"] is True
    assert summary["guess_gla"] == summary["class"] != summary["guess_ensemble"]


# ---------------------------------------------------------------- asking the server


class Server:
    """Answers as the interface of the emoji operations says, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.random = np.random.default_rng(0)

    def call(self, request: Request) -> SimpleNamespace:
        self.asked.append(request)
        names = [f"thing {c}" for c in range(CLASSES)]
        values = {
            "class_names": names,
            "logit_scale": 2.0,
            "train_accuracy": 0.9,
        }
        return SimpleNamespace(arrays=self.arrays(request), values=values)

    def arrays(self, request: Request) -> dict[str, np.ndarray]:
        arguments = request.arguments

        def rows(per_class: int, *before: int) -> np.ndarray:
            noise = self.random.normal(size=(*before, per_class * CLASSES, 5))
            return (noise + np.eye(CLASSES, 5).repeat(per_class, axis=0)).astype("f2")

        if request.operation == "emoji.pictures":
            return {"pictures": np.zeros((len(arguments["indices"]), 8, 8, 3), np.uint8)}
        if request.operation == "emoji.features":
            return {
                "features": rows(arguments["per_class"]),
                "text_features": np.eye(CLASSES, 5, dtype="f4"),
                "labels": np.repeat(np.arange(CLASSES), arguments["per_class"]),
                "log_prior": np.log(np.full(CLASSES, 1 / CLASSES)),
            }
        return {
            "features": rows(arguments["test_per_class"], 2),
            "estimate_features": rows(arguments["estimate_per_class"], 2),
            "heads": np.stack([np.zeros((CLASSES, 5), "f4"), np.eye(CLASSES, 5, dtype="f4")]),
            "train_counts": np.arange(1, CLASSES + 1),
        }


def test_gathering_asks_for_every_seed_and_reads_the_answers() -> None:
    server = Server()
    params = benefit.Params(seeds=2, seed=7, shots=4, tail=1.0, steps=20)
    inputs = benefit.gather(server, params)  # type: ignore[arg-type]
    asked = [r for r in server.asked if r.operation == "clip.fine_tune"]
    assert [(r.arguments["method"], r.seed) for r in asked] == [
        ("linear", 7),
        ("linear", 8),
        ("full", 7),
        ("full", 8),
    ]
    assert all(r.dtype == "float32" and r.arguments["tail"] == 1.0 for r in asked)
    run = inputs.fine_tuned["full"][0]
    assert run.test_logits.shape == (benefit.TEST_PER_CLASS * CLASSES, CLASSES)
    assert not run.wise_logits.any()  # alpha ½ has a head of zeros here
    assert run.test_logits.any()
    assert np.exp(run.log_prior) == pytest.approx(np.arange(1, 13) / 78)
    tests = {r.arguments["per_class"] for r in server.asked if r.arguments.get("split") == "test"}
    assert tests == {benefit.TEST_PER_CLASS}


def test_zero_shot_logits_are_the_scaled_products_of_features() -> None:
    server = Server()
    found = gla.BIAS.gather(server, bias.Params())  # type: ignore[arg-type]
    assert set(found.estimate) == set(MODELS)
    server.random = np.random.default_rng(0)
    features = server.arrays(server.asked[0])["features"].astype("f4")
    assert found.estimate[MODELS[0]].logits[:, :5] == pytest.approx(2.0 * features, rel=1e-6)


def test_one_picture_asks_for_the_drawings_it_chose() -> None:
    server = Server()
    inputs = surgery.gather(server, surgery.Params(steps=20))  # type: ignore[arg-type]
    assert server.asked[-1].operation == "emoji.pictures"
    assert server.asked[-1].arguments["indices"] == inputs.places.tolist()
    assert len(inputs.drawings) == len(set(inputs.places.tolist())) == 24


def test_an_answer_without_its_parts_is_a_bug() -> None:
    server = Server()
    server.call = lambda _: SimpleNamespace(  # type: ignore[method-assign]
        arrays=Server().arrays(Request("emoji.features", arguments={"per_class": 1})), values={}
    )
    with pytest.raises(BugError, match="logit_scale"):
        bias.gather(server, bias.Params())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("module", "values", "said"),
    [
        (benefit, {"strength": 3}, "0 to 2"),
        (benefit, {"shots": 0}, "1 to 64"),
        (benefit, {"model": "clip"}, "Pre-training loss"),
        (bias, {"labelled": "7"}, "Labelled pictures"),
        (surgery, {"picture": 25}, "1 to 24"),
        (surgery, {"zero_shot": "perhaps"}, "true or false"),
    ],
)
def test_parameters_out_of_range_are_refused(module, values: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse(module.Params, values)


# ---------------------------------------------------------------- figures

DRAWN = {
    "draw_accuracy": "gla",
    "draw_mixture": "gla",
    "draw_classes": "gla",
    "draw_flows": "gla",
    "draw_reliability": "gla",
    "draw_published": "gla",
    "draw_published_tables": "gla",
    "draw_bias": "gla.bias",
    "draw_surgery": "gla.picture",
    "draw_methods": "gla.picture",
    "draw_names": "gla.names",
    "draw_shares": "gla.names",
    "draw_own_task": "gla.own",
    "draw_planted": "gla.planted",
    "draw_convergence": "gla.planted",
    "draw_plane": "gla.world",
    "draw_dependence": "gla.world",
    "draw_map": "gla.map",
    "draw_simplex": "gla.solver",
    "draw_twenty": "gla.solver",
}
STUDIES = {study.slug: study for study in gla.STUDIES}


@pytest.fixture(scope="module")
def results(
    gain: benefit.Result, biased: bias.Result, operated: surgery.Result
) -> dict[str, object]:
    found: dict[str, object] = {
        "gla": gain,
        "gla.bias": biased,
        "gla.picture": operated,
        "gla.own": own_task.compute(own_task_inputs(), own_task.Params()),
        "gla.names": names.compute(names_inputs(), names.Params(names="; ".join(NAMES))),
    }
    for module, values in (
        (planted, {"classes": 5}),
        (world, {"classes": 6, "test_per_class": 50}),
        (decision_map, {}),
        (solver, {"labelled": 5}),
    ):
        params = parse(module.Params, values)
        study = next(s for s in gla.STUDIES if s.params is module.Params)
        found[study.slug] = module.compute(module.gather(None, params), params)
    return found


@pytest.fixture(scope="module")
def drawn(results: dict[str, object]) -> dict[str, LiveFigure]:
    return {name: getattr(figures, name)(results[slug]) for name, slug in DRAWN.items()}


def live_positions(params_type: type) -> dict[str, list]:
    found: dict[str, list] = {}
    for field in fields_of(params_type):
        match field.kind:
            case Range(live=True) as r:
                found[field.name] = r.positions()
            case Choice(live=True) as c:
                found[field.name] = list(c.options)
            case Flag(live=True):
                found[field.name] = [False, True]
    return found


def test_every_figure_of_the_method_is_on_this_list() -> None:
    assert set(DRAWN) == set(figures.__all__)
    assert next(s.slug for s in gla.STUDIES) == "gla"


@pytest.mark.parametrize("name", DRAWN)
def test_figures_follow_every_position_of_the_live_controls(
    drawn: dict[str, LiveFigure], name: str
) -> None:
    figure = drawn[name]
    assert dict(figure.axes) == live_positions(STUDIES[DRAWN[name]].params)
    for part in (0.0, 0.35, 0.7, 1.0):
        at = {axis: values[round(part * (len(values) - 1))] for axis, values in figure.axes.items()}
        assert isinstance(figure.at(**at), go.Figure)  # Plotly accepts every part
        assert len(figure.words_at(**at)) > 40
        assert "nan" not in figure.words_at(**at)


@pytest.mark.parametrize("slug", sorted(set(DRAWN.values())))
def test_the_figures_of_a_study_stay_small(drawn: dict[str, LiveFigure], slug: str) -> None:
    texts = [
        json.dumps(drawn[name].payload(), allow_nan=False) for name in DRAWN if DRAWN[name] == slug
    ]
    assert sum(map(len, texts)) < MAXIMUM_PAYLOAD_BYTES


def test_the_chosen_row_of_the_accuracy_figure_is_the_mixtures(
    drawn: dict[str, LiveFigure], gain: benefit.Result
) -> None:
    at = {"tuning": "linear", "strength": 0.5, "weight": 0.25}
    points = next(t for t in drawn["draw_accuracy"].at(**at).data if t.name == "accuracy")
    place = comparison.METHODS.index("gla")
    expected = 100 * gain.benefits["linear"].mixture.by_class[2, 2].mean()
    assert points.x[place] == pytest.approx(expected)
    other = 100 * gain.benefits["linear"].accuracy("wise_ft").mean
    assert points.x[comparison.METHODS.index("wise_ft")] == pytest.approx(other)


def test_a_click_on_the_mixture_falls_on_positions_of_its_sliders(
    drawn: dict[str, LiveFigure],
) -> None:
    plane = drawn["draw_mixture"].figure.data[0]
    assert plane.meta == "pick"
    assert list(plane.x) == benefit.WEIGHT.positions()
    assert list(plane.y) == benefit.STRENGTH.positions()


def test_published_gains_are_marked_as_published_and_are_those_of_the_abstract(
    drawn: dict[str, LiveFigure],
) -> None:
    published = [t for t in drawn["draw_published"].figure.data if t.name == "published"]
    assert [tuple(t.x) for t in published] == [(1.5, 1.5), (1.4, 4.6), (2.4, 2.4)]
    assert all("published" in t.hovertemplate for t in published)


def test_a_solver_that_failed_is_said_to_have_failed(drawn: dict[str, LiveFigure]) -> None:
    words = drawn["draw_twenty"].words_at(log10_rate=0.0, iterations=1000)
    assert "the solver has failed" in words
    assert "failed" not in drawn["draw_twenty"].words_at(log10_rate=-3.0, iterations=1000)
