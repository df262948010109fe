"""Emotion over time as a page, and what a browser does with it."""

import re

import numpy as np
import pytest

from ser.detect.detection import Detection
from ser.report import clip, timeline_page

CLASSES = ("anger", "neutral")


def window(start, end, anger, file="a <b>.wav", problem=""):
    posteriors = {} if anger is None else {"anger": anger, "neutral": 1 - anger}
    emotion = None if anger is None else "anger" if anger > 0.5 else "neutral"
    return Detection(file, start, end, 1.0, "speech", emotion, posteriors, problem)


FOUND = [window(0, 3, 0.9), window(1, 4, 0.8), window(2, 5, None), window(3, 6, 0.1), window(4, 7, 0.2)]


def silent(file, channel):
    return "", 0.0


def test_curve_has_the_middle_of_each_window_and_a_gap_where_nobody_speaks():
    pieces = timeline_page.curves(FOUND, CLASSES)
    assert pieces["anger"] == [[(1.5, 0.9), (2.5, 0.8)], [(4.5, 0.1), (5.5, 0.2)]]
    assert [len(piece) for piece in pieces["neutral"]] == [2, 2]


def test_whole_recording_is_a_level_line():
    assert timeline_page.curves([window(0, 2, 0.75)], CLASSES)["anger"] == [[(0, 0.75), (2, 0.75)]]


def test_page_names_recordings_and_refers_to_nothing_outside():
    page = timeline_page.timeline_page([*FOUND, window(0, 3, 0.6, "b.wav")], CLASSES, silent)
    assert "a &lt;b&gt;.wav" in page and "<b>.wav" not in page
    assert page.count('<section class="recording"') == 2
    assert "Emotion over time: 2 recordings" in page
    assert "anger 40 %, neutral 40 %, no speech 20 % of the windows" in page
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", page)


def test_recording_that_could_not_be_used_says_why():
    page = timeline_page.timeline_page([window(0, 0, None, problem="no samples in it")], CLASSES, silent)
    assert "no samples in it" in page and '<div class="chart"' not in page


def test_part_that_is_not_embedded_is_said():
    page = timeline_page.timeline_page(FOUND, CLASSES, lambda *_: ("data:audio/mpeg;base64,", 5.0))
    assert "The first 5 s can be heard here." in page


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    samples = (0.1 * np.sin(2 * np.pi * 200 * np.arange(7 * clip.RATE) / clip.RATE)).astype(np.float32)
    uri = clip.sound_uri(samples)
    path = tmp_path_factory.mktemp("timeline") / "page.html"
    path.write_text(timeline_page.timeline_page(FOUND, CLASSES, lambda *_: (uri, 7.0)), encoding="utf-8")
    return path


NOW = "document.querySelector('.now').textContent"


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, False), (1280, True), (390, True)])
def test_page_fits_the_window_and_is_legible_in_both_schemes(page, browser, width, dark):
    browser.open(page, width, dark=dark)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.evaluate("document.querySelector('.chart').getBoundingClientRect().right") <= width
    paper, ink = browser.lightness("body")
    assert (paper < 0.2) is dark and abs(paper - ink) > 0.6


def test_tab_reaches_the_curve_and_keys_play_and_stop(page, browser):
    browser.open(page)
    for _ in range(10):
        browser.press("Tab")
        if browser.evaluate("document.activeElement.className") == "chart":
            break
    assert browser.evaluate("document.activeElement.className") == "chart"
    browser.press("p")
    assert browser.played("document.querySelector('audio')") > 0
    browser.press("p")
    assert browser.evaluate("document.querySelector('audio').paused")


def test_keys_move_the_place_and_name_the_emotion_there(page, browser):
    browser.open(page)
    browser.evaluate("document.querySelector('.chart').focus()")
    browser.press("ArrowRight")
    assert browser.evaluate(NOW).startswith("1.0 s: anger")
    for _ in range(5):
        browser.press("ArrowRight")
    assert browser.evaluate(NOW).startswith("6.0 s: neutral")
    assert browser.evaluate("document.querySelector('.chart').getAttribute('aria-valuenow')") == "6.00"
    assert browser.evaluate("Number(document.querySelector('.cursor').getAttribute('x1'))") == pytest.approx(6000 / 7)
    assert browser.evaluate("document.querySelectorAll('tr.best').length") == 1


def test_click_moves_the_player_and_the_cursor_follows_it(page, browser):
    browser.open(page)
    browser.evaluate(
        "(chart => { const box = chart.getBoundingClientRect(); chart.dispatchEvent(new MouseEvent('click', "
        "{bubbles: true, clientX: box.left + box.width / 2, clientY: box.top + 5})); })"
        "(document.querySelector('.chart'))"
    )
    assert browser.evaluate(NOW).startswith("3.5 s: no speech")
    ready = (
        "new Promise(done => { const sound = document.querySelector('audio'); "
        "sound.addEventListener('timeupdate', () => "
        "{ if (sound.currentTime > 4) { sound.pause(); done(sound.currentTime); } }); sound.currentTime = 3.9; "
        "sound.play().catch(error => done(String(error))); setTimeout(() => done(-1), 5000); })"
    )
    assert 4 < browser.evaluate(ready) < 7
    assert float(browser.evaluate(NOW).split(" s:")[0]) >= 3.9
