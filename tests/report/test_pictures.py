"""Pictures: axes, curves, and the SVG that takes its colours from the page."""

import numpy as np
import pytest

from ser.report import pictures
from ser.report.pictures import Picture

CURVE = np.array([0.0, 0.2, 1.0]), np.array([1.0, 0.3, 0.0])
GRID = np.array([[10.0, np.nan], [20.0, 30.0]])
FIGURES = {
    "DET": lambda: pictures.draw_det("t", {name: (name, 25.0, CURVE) for name in ("speech", "text", "video", "smell")}),
    "map": lambda: pictures.draw_map(
        "t", GRID, [["a", "b"]] * 2, ["r", "s"], ["c", "d"], ("y", "x", "EER (%)"), (0, 50)
    ),
    "dots": lambda: pictures.draw_dots("t", "EER (%)", ["a", "b"], {"one": np.ones((2, 3)), "two": np.ones((2, 3))}),
    "reliability": lambda: pictures.draw_reliability("t", {"speech": (np.array([0.5, 0.9]), np.array([0.4, 0.8]))}),
    "scatter": lambda: pictures.draw_scatter("t", np.zeros((9, 2)), [f"class{number}" for number in range(9)]),
    "training": lambda: pictures.draw_training("t", "loss (nats)", {"train": [(np.arange(3), np.arange(3))]}),
}


@pytest.fixture(params=FIGURES)
def figure(request):
    return FIGURES[request.param]()


def svg(figure) -> str:
    return pictures.to_svg(Picture("name", "title & more", "caption", figure, (), ()))


def test_every_picture_has_a_title_and_an_x_axis_with_a_name(figure):
    assert figure.axes[0].get_title() == "t"
    assert figure.axes[0].get_xlabel()


def test_svg_takes_ink_and_lines_from_the_page(figure):
    text = svg(figure)
    assert "currentColor" in text
    assert pictures.INK not in text and pictures.GRID not in text
    assert "<metadata" not in text and "<style" not in text and "xlink" not in text
    assert 'aria-label="title &amp; more"' in text


def test_texts_on_coloured_squares_contrast_with_them():
    figure = FIGURES["map"]()
    assert [text.get_color() for text in figure.axes[0].texts] == ["white", "white", "black"]


def test_classes_that_share_a_colour_differ_in_their_mark():
    lines = FIGURES["scatter"]().axes[0].lines
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == len(lines)


def test_averaged_curve_of_equal_curves_is_that_curve():
    rates = np.linspace(0.01, 0.99, 50)
    miss, false_alarm = pictures.average_curves([(rates, 1 - rates)] * 2, 300)
    inside = (false_alarm > 0.01) & (false_alarm < 0.99)
    np.testing.assert_allclose(miss[inside], 1 - false_alarm[inside], atol=1e-3)
