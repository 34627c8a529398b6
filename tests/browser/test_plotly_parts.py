"""A figure that the cartesian part of Plotly cannot draw fetches the whole, once."""

from __future__ import annotations

from tests.browser.conftest import Watched

DRAW = """async () => {
    const host = document.createElement("div");
    host.id = "polar";
    host.style.height = "300px";
    document.body.append(host);
    const figure = {data: [{type: "scatterpolar", r: [1, 2, 3], theta: [0, 90, 180]}], layout: {}};
    const sweep = new workbench.Sweep({axes: {}, figure, slots: [], words: ""});
    const canvas = new workbench.Canvas(host);
    await canvas.draw(sweep, {});
    await canvas.draw(sweep, {});
}"""


def test_another_type_of_trace_fetches_the_whole_of_plotly(watched: Watched) -> None:
    page = watched.open_waves()
    assert not [url for url in watched.requests if url.endswith("/plotly.min.js")]
    page.evaluate(DRAW)
    page.locator("#polar .polarlayer .scatterlayer").wait_for()
    assert len([url for url in watched.requests if url.endswith("/plotly.min.js")]) == 1
    page.get_by_role("slider", name="Height H").press("ArrowRight")
    page.wait_for_function(
        """Math.abs(Math.max(...document.querySelector('#wb-study-waves .js-plotly-plot')
            .calcdata[0].map(point => point.y)) - 1.1) < 0.01"""
    )
