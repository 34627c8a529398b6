"""A live slider redraws in the browser: no request, zoom kept, arrow keys as good as the mouse."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watched

TOP = """Math.max(...document.querySelector('#wb-study-waves .js-plotly-plot')
    .calcdata[0].map(point => point.y))"""
PATH = "document.querySelector('#wb-study-waves .scatterlayer .js-line').getAttribute('d')"


def top(page: Page) -> float:
    return page.evaluate(TOP)


def drag(page: Page, *, steps: int = 40) -> None:
    box = page.get_by_role("slider", name="Height H").bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 3, middle)
    page.mouse.down()
    for step in range(steps):
        page.mouse.move(box["x"] + box["width"] * (1 / 3 + 0.6 * step / steps), middle)
    page.mouse.up()


def test_dragging_redraws_without_a_single_request(watched: Watched) -> None:
    page = watched.open_waves()
    page.evaluate("document.fonts.ready")
    before, drawn = len(watched.requests), page.evaluate(PATH)
    drag(page)
    page.wait_for_function(f"{PATH} !== {drawn!r}")
    value = float(page.get_by_role("slider", name="Height H").input_value())
    page.wait_for_function(f"Math.abs({TOP} - {value}) < 0.01")
    assert value > 2
    assert watched.requests[before:] == []
    expect(page.locator("#wb-study-waves .wb-words")).to_have_text(
        f"A sine wave of height {value:g}."
    )


def test_arrow_keys_move_the_figure_one_step(watched: Watched) -> None:
    page = watched.open_waves()
    slider = page.get_by_role("slider", name="Height H")
    slider.press("ArrowRight")
    page.wait_for_function(f"Math.abs({TOP} - 1.1) < 0.01")
    slider.press("ArrowLeft")
    slider.press("ArrowLeft")
    page.wait_for_function(f"Math.abs({TOP} - 0.9) < 0.01")


def test_a_live_choice_redraws_too(watched: Watched) -> None:
    page = watched.open_waves()
    page.get_by_role("radio", name="square").check()
    expect(page.locator("#wb-study-waves .wb-words")).to_have_text("A square wave of height 1.")


def test_zoom_and_a_hidden_trace_survive_moves_recomputation_and_theme(watched: Watched) -> None:
    page = watched.open_waves()
    plot = "document.querySelector('#wb-study-waves .js-plotly-plot')"
    page.locator("#wb-study-waves .nsewdrag").first.hover()
    box = page.locator("#wb-study-waves .nsewdrag").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.8 * box["height"], steps=5)
    page.mouse.up()
    page.wait_for_function(f"{plot}._fullLayout.xaxis.range[0] > 1")
    zoom = page.evaluate(f"{plot}._fullLayout.xaxis.range")
    page.locator("#wb-study-waves .legendtoggle").nth(1).click()
    page.wait_for_function(f"{plot}._fullData[1].visible === 'legendonly'")
    for _ in range(20):
        page.get_by_role("slider", name="Height H").press("ArrowRight")
    page.get_by_role("slider", name="Points n").press("ArrowRight")
    page.wait_for_function(f"{plot}.calcdata[0].length === 1100")
    page.get_by_role("button", name="Change to dark").click()
    page.wait_for_function(f"{plot}._fullLayout.font.color === '#e9e5da'")
    page.get_by_role("slider", name="Height H").press("ArrowLeft")
    page.wait_for_function(f"Math.abs({TOP} - 2.9) < 0.01")
    assert page.evaluate(f"{plot}._fullLayout.xaxis.range") == pytest.approx(zoom)
    assert page.evaluate(f"{plot}._fullData[1].visible") == "legendonly"


def test_the_svg_is_never_rebuilt(watched: Watched) -> None:
    page = watched.open_waves()
    page.evaluate("document.querySelector('#wb-study-waves .main-svg').dataset.same = 'yes'")
    drag(page)
    page.get_by_role("slider", name="Points n").press("ArrowRight")
    page.wait_for_function(
        "document.querySelector('#wb-study-waves .js-plotly-plot').calcdata[0].length === 1100"
    )
    assert page.locator("#wb-study-waves .main-svg").first.get_attribute("data-same") == "yes"


def test_moving_points_fast_ends_where_a_full_redraw_ends(watched: Watched) -> None:
    page = watched.open_waves()
    drag(page)
    plot = "document.querySelector('#wb-study-waves .js-plotly-plot')"
    page.wait_for_function("!workbench.studies.get('waves').panel.frame.canvas.busy")
    fast = page.evaluate(PATH)
    page.evaluate(f"window.Plotly.redraw({plot})")
    assert page.evaluate(PATH) == fast


def test_half_precision_values_arrive_as_they_were_sent(watched: Watched) -> None:
    page = watched.open_waves("?tab=waves&height=0.5")
    page.get_by_role("tab", name="Matrix").click()
    cell = """document.querySelector('#wb-study-waves .js-plotly-plot').data[0].z[2][3]"""
    page.wait_for_function(f"{cell} === 3")  # 0.5 × (2 × 3 mod 7)


def test_figures_are_switched_by_arrow_keys(watched: Watched) -> None:
    page = watched.open_waves()
    page.get_by_role("tab", name="Curve").press("ArrowRight")
    expect(page.get_by_role("tab", name="Matrix")).to_be_focused()
    expect(page.locator("#wb-study-waves .wb-words")).to_have_text("A matrix.")


def test_colour_bars_and_clips_outlive_a_change_of_the_address(watched: Watched) -> None:
    page = watched.open_waves()
    page.get_by_role("tab", name="Matrix").click()
    page.locator("#wb-study-waves .cbfills .cbfill").first.wait_for()
    page.get_by_role("slider", name="Height H").press("ArrowRight")
    expect(page).to_have_url(re.compile("height=1.1"))
    lost = page.evaluate(
        """() => [...document.querySelectorAll('#wb-study-waves *')]
        .flatMap(e => ['fill', 'clip-path'].map(name => getComputedStyle(e)[name]))
        .filter(value => value?.startsWith('url') && !value.startsWith('url("#'))"""
    )
    assert lost == []


def test_a_click_on_a_cell_sets_the_live_parameter_that_the_view_names(watched: Watched) -> None:
    page = watched.open_waves()
    page.get_by_role("tab", name="Matrix").click()
    plot = page.locator("#wb-study-waves .js-plotly-plot")
    plot.locator(".main-svg").first.wait_for()
    place = plot.evaluate(
        "p => { const {xaxis: x, yaxis: y} = p._fullLayout, box = p.getBoundingClientRect();"
        " return [box.x + x._offset + x.d2p(3), box.y + y._offset + y.d2p(5)]; }"
    )
    page.mouse.click(*place)
    expect(page.get_by_role("slider", name="Height H")).to_have_value("3")
    top = "document.querySelector('#wb-study-waves .js-plotly-plot').data[0].z[1][1]"
    page.wait_for_function(f"{top} === 3")


def test_play_moves_the_slider_without_a_request_until_it_is_paused(watched: Watched) -> None:
    page = watched.open_waves()
    page.evaluate("document.fonts.ready")
    slider = page.get_by_role("slider", name="Height H")
    before = len(watched.requests)
    page.get_by_role("button", name="Play").click()
    expect(slider).not_to_have_value("1")
    page.get_by_role("button", name="Pause").click()
    value = float(slider.input_value())
    page.wait_for_function(f"Math.abs({TOP} - {value}) < 0.01")
    assert value > 1
    assert watched.requests[before:] == []
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_no_figure_offers_to_send_itself_away(watched: Watched) -> None:
    page = watched.open_waves()
    titles = page.locator("#wb-study-waves .modebar-btn").evaluate_all(
        "buttons => buttons.map(button => button.dataset.title)"
    )
    assert "Zoom" in titles
    assert not [title for title in titles if "share" in title.lower()]
