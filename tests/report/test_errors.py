"""The page of errors: what is on it, and what a browser does with it."""

import dataclasses
import re

import numpy as np
import pytest
import soundfile

from ser.bin import make_errors_page
from ser.corpora.records import Utterance, write_data_dir
from ser.errors import SerError
from ser.kaldi import tables
from ser.report import clip, errors
from ser.report.experiment import read_experiment
from ser.report.report import write_report
from ser.results import result_table
from ser.results.result_table import Result
from tests.report.test_clip import tone

CLASSES = ("anger", "neutral", "sadness")
NUM_UTTS = 36


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """A run of two folds of three speakers; of every class each third utterance is mistaken, ever less surely."""
    root = tmp_path_factory.mktemp("errors")
    utterances, predictions, posteriors, nearest = [], {}, {}, {}
    for number in range(NUM_UTTS):
        spk, truth = f"s{number % 3}", number // 3 % 3
        path = root / f"audio/{number}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, tone(100 + 5 * number, 0.4), clip.RATE)
        utt = f"{spk}-{number:02d}"
        utterances.append(
            Utterance(
                *(utt, spk, str(path), f"<b>words</b> {number}", CLASSES[truth]),
                fold=str(number % 2 + 1),
                votes={CLASSES[truth]: 2, "frustration": 1},
            )
        )
        chosen = (truth + 1) % 3 if number % 3 == number // 9 % 3 else truth
        top = 0.95 - 0.01 * number
        shares = np.full(3, (1 - top) / 2)
        shares[chosen] = top
        predictions[utt] = f"{CLASSES[chosen]} " + " ".join(f"{share:.4f}" for share in shares)
        posteriors[utt] = " ".join(f"{share:.6f}" for share in shares)
        nearest[utt] = "t-1 12.5000 t-2 3.2500"
    write_data_dir(root / "data", utterances)
    train = [
        Utterance("t-1", "t", text="nearby words", emotion="sadness"),
        Utterance("t-2", "t", text="", emotion="anger"),
    ]
    write_data_dir(root / "train", train)
    rows, cells = [], []
    for fold in ("1", "2"):
        cell = root / f"exp/cells/speech_{fold}"
        cell.mkdir(parents=True)
        utts = [item.utt for item in utterances if item.fold == fold]
        for name, table in (("predictions", predictions), ("posteriors", posteriors), ("nearest", nearest)):
            tables.write_map(cell / f"{name}.txt", {utt: table[utt] for utt in utts})
        (cell / "classes.txt").write_text("".join(f"{name}\n" for name in CLASSES))
        names = ("xvector_bert", "iemocap", "iemocap", fold, "all", "0", "-", "tdnn7", "speech", "plda", 2, "-")
        rows.append(
            Result(*names, result_table.OK, **{"utts": len(utts), "eer": 30.0, "uar": 60.0, "wa": 60.0, "f1": 60.0})
        )
        (cell / "result.tsv").write_text(result_table.to_tsv(rows[-1:]))
        cells.append(cell)
    rows.append(dataclasses.replace(rows[0], fold="all"))
    (root / "exp/results.tsv").write_text(result_table.to_tsv(rows))
    (root / "exp/cells/list").write_text("".join(f"{cell}\n" for cell in cells))
    return root


def make(root, monkeypatch, *options, corpora=("--corpus", "toy")):
    argv = ["x", "--train", str(root / "train"), *options, *corpora, str(root / "exp"), str(root / "data")]
    monkeypatch.setattr("sys.argv", argv)
    make_errors_page.main()
    return (root / "exp/errors.html").read_text()


def judged(root):
    known = errors.Known.read([root / "data", root / "train"])
    return errors.read_judgements(errors.choose_row(read_experiment(root / "exp"), {}), known)


def test_mistakes_come_by_confidence_and_lists_are_as_long_as_asked(scored):
    judgements = judged(scored)
    assert len(judgements.utterances) == NUM_UTTS
    wrong = [one for one in judgements.utterances if not one.is_right]
    assert len(wrong) == 12
    chosen = errors.choose(judgements, 5)
    mistakes = [one for one in chosen if "mistakes" in one.lists]
    assert [one.confidence for one in mistakes] == sorted((one.confidence for one in wrong), reverse=True)[:5]
    unsure = [one for one in chosen if "unsure" in one.lists]
    assert {one.utt for one in unsure} == {f"s{n % 3}-{n:02d}" for n in range(NUM_UTTS - 5, NUM_UTTS)}
    assert all(one.is_right for one in chosen if "sure" in one.lists)
    # Two mistakes of each speaker, and two of each pair of classes.
    assert {one.speaker for one in chosen if "speakers" in one.lists} == {"s0", "s1", "s2"}
    assert len([one for one in chosen if "pairs" in one.lists]) == 6


def test_counts_are_of_all_utterances_not_of_cards(scored):
    utterances = judged(scored).utterances
    assert errors.pair_counts(utterances)["anger", "neutral"] == 4
    assert sum(wrong for wrong, _ in errors.speaker_counts(utterances).values()) == 12
    assert {total for _, total in errors.speaker_counts(utterances).values()} == {12}


def test_row_is_the_best_or_the_one_asked_for(scored):
    run = read_experiment(scored / "exp")
    asked = errors.parse_row("modality=speech layer=tdnn7 lda_dim=2")
    assert errors.choose_row(run, asked).row.eer == 30.0
    with pytest.raises(SerError, match=r"no row modality=text; it has modality=speech"):
        errors.choose_row(run, errors.parse_row("modality=text"))
    with pytest.raises(SerError, match=r"expected <column>=<value> of system, train, .*; found 'eer=30'"):
        errors.parse_row("eer=30")


def test_row_without_other_folds_of_its_corpus_comes_after_those_with_them(scored, tmp_path):
    whole = result_table.from_tsv((scored / "exp/results.tsv").read_text(), "results.tsv")[-1]
    outside = dataclasses.replace(whole, train="cremad", eer=20.0)
    (tmp_path / "results.tsv").write_text(result_table.to_tsv([whole, outside]))
    run = read_experiment(tmp_path)
    assert errors.choose_row(run, {}).row.eer == 30.0
    assert errors.choose_row(run, {"train": "cremad"}).row.eer == 20.0


def test_run_whose_cells_all_failed_has_no_page_and_no_link_to_an_old_one(scored, monkeypatch, tmp_path, caplog):
    row = result_table.from_tsv((scored / "exp/results.tsv").read_text(), "results.tsv")[-1]
    failed = result_table.mean([dataclasses.replace(row, status="failed: log")], "fold")
    (tmp_path / "results.tsv").write_text(result_table.to_tsv([failed]))
    (tmp_path / "errors.html").write_text("old")
    monkeypatch.setattr("sys.argv", ["x", str(tmp_path), str(scored / "data")])
    make_errors_page.main()
    assert not (tmp_path / "errors.html").exists() and "there is no page of errors" in caplog.text


def test_utterance_that_the_data_dir_lacks_is_refused(scored, tmp_path):
    write_data_dir(tmp_path / "other", [Utterance("x-1", "x", emotion="anger")])
    row = errors.choose_row(read_experiment(scored / "exp"), {})
    with pytest.raises(SerError, match=r"'s0-00' has no class in the test data dir"):
        errors.read_judgements(row, errors.Known.read([tmp_path / "other"]))


def test_report_links_to_the_page_where_it_is(scored, monkeypatch):
    (scored / "exp/errors.html").unlink(missing_ok=True)
    write_report(scored / "exp")
    assert "errors.html" not in (scored / "exp/report.html").read_text()
    make(scored, monkeypatch, "--audio", "none")
    write_report(scored / "exp")
    assert '<a href="errors.html">' in (scored / "exp/report.html").read_text()


@pytest.mark.parametrize(("audio", "heard"), [("none", 0), ("worst", 4), ("all", None)])
def test_sound_is_embedded_as_asked(scored, monkeypatch, audio, heard):
    page = make(scored, monkeypatch, "--audio", audio, "--count", "4")
    cards = page.count("<article ")
    assert page.count("<audio ") == (cards if heard is None else heard)
    assert page.count("data:image/png") == cards
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", page)  # nothing outside the page


def test_recordings_that_may_not_be_passed_on_are_never_embedded(scored, monkeypatch, caplog):
    for corpora in ((), ("--corpus", "ravdess iemocap")):  # without the option, by the column test of the results
        page = make(scored, monkeypatch, "--audio", "all", corpora=corpora)
        assert "<audio " not in page
        assert "No clip is embedded: iemocap is by agreement" in page and "No clip is embedded" in caplog.text


def test_words_votes_and_nearest_are_told_and_escaped(scored, monkeypatch):
    page = make(scored, monkeypatch)
    assert "&lt;b&gt;words&lt;/b&gt; 0" in page and "<b>words" not in page
    assert "anger 2, frustration 1" in page
    assert "<b>sadness</b> t-1 “nearby words” <span>12.5</span>" in page


def test_recording_that_is_gone_leaves_a_card_without_picture(scored, monkeypatch, caplog, tmp_path):
    known = errors.Known.read([scored / "data"])
    broken = errors.Known({**known.tables, "wav.scp": {"s0-00": str(tmp_path / "gone.wav")}})
    from ser.report.recordings import Recordings

    recordings = Recordings(broken, {"s0-00"})
    assert recordings("s0-00") is None and "s0-00: no clip" in caplog.text
    assert recordings("s1-01") is None


def test_segment_is_cut_out_of_its_recording(scored):
    from ser.report.recordings import Recordings

    known = errors.Known.read([scored / "data"])
    tables_ = {**known.tables, "segments": {"part": "s0-00 0.1 0.3", "tail": "s0-00 0.35 -1", "out": "s0-00 9 10"}}
    recordings = Recordings(errors.Known(tables_), set())
    assert recordings("part").seconds == pytest.approx(0.2)
    assert recordings("tail").seconds == pytest.approx(0.05)
    assert recordings("out") is None


SHOWN = "Array.from(document.querySelectorAll('article:not([hidden])'))"


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, False), (1280, True), (390, True)])
def test_page_fits_the_window_and_is_legible_in_both_schemes(scored, monkeypatch, browser, width, dark):
    make(scored, monkeypatch, "--count", "4")
    browser.open(scored / "exp/errors.html", width, dark=dark)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    cards = browser.evaluate(f"{SHOWN}.map(card => card.getBoundingClientRect().right)")
    assert cards and max(cards) <= width
    for selector in ("body", "article"):
        paper, ink = browser.lightness(selector)
        assert (paper < 0.2) is dark and abs(paper - ink) > 0.6


def test_filters_and_orders_change_the_cards_and_the_address_keeps_them(scored, monkeypatch, browser):
    make(scored, monkeypatch, "--count", "4")
    page = scored / "exp/errors.html"
    browser.open(page)
    total = browser.evaluate(f"{SHOWN}.length")
    shown = browser.evaluate(f"{SHOWN}.map(card => [card.classList.contains('right'), -card.dataset.conf])")
    assert shown == sorted(shown) and {right for right, _ in shown} == {True, False}
    browser.evaluate(
        "(one => { one.value = 'mistakes'; one.dispatchEvent(new Event('input', {bubbles: true})); })"
        "(document.getElementById('list'))"
    )
    assert browser.evaluate(f"{SHOWN}.length") == 4
    assert browser.evaluate("document.getElementById('count').textContent") == f"4 of {total} cards"
    assert browser.evaluate("location.hash") == "#list=mistakes"
    browser.open(page, state="#true=anger&pred=neutral&sort=unsure")
    kinds = browser.evaluate(f"{SHOWN}.map(card => card.dataset.true + ' ' + card.dataset.pred)")
    assert set(kinds) == {"anger neutral"}
    margins = browser.evaluate(f"{SHOWN}.map(card => +card.dataset.margin)")
    assert margins == sorted(margins)
    browser.evaluate('document.querySelector(\'button[data-set-true="sadness"][data-set-pred="anger"]\').click()')
    browser.evaluate("new Promise(done => setTimeout(done, 50))")
    assert set(browser.evaluate(f"{SHOWN}.map(card => card.dataset.true + ' ' + card.dataset.pred)")) == {
        "sadness anger"
    }


def test_page_is_worked_by_the_keyboard_alone(scored, monkeypatch, browser):
    make(scored, monkeypatch, "--count", "4")
    browser.open(scored / "exp/errors.html", state="#list=mistakes")
    focused = "document.activeElement.dataset.utt"
    for _ in range(3):
        browser.press("j")
    order = browser.evaluate(f"{SHOWN}.map(card => card.dataset.utt)")
    assert browser.evaluate(focused) == order[2]
    browser.press("k")
    assert browser.evaluate(focused) == order[1]
    browser.press("p")
    assert browser.played("document.activeElement.querySelector('audio')") > 0
    # Every control is reached by Tab, and a button of the confusions is pressed by Enter.
    browser.open(scored / "exp/errors.html")
    reached = []
    for _ in range(40):
        browser.press("Tab")
        reached.append(browser.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert {"list", "true", "pred", "speaker", "sort", "search", "BUTTON", "ARTICLE"} <= set(reached)
    browser.evaluate('document.querySelector(\'button[data-set-true="anger"][data-set-pred="neutral"]\').focus()')
    browser.press("Enter")
    browser.evaluate("new Promise(done => setTimeout(done, 50))")
    assert browser.evaluate("location.hash") == "#true=anger&pred=neutral"


def test_words_typed_in_the_search_are_no_commands(scored, monkeypatch, browser):
    make(scored, monkeypatch, "--count", "4")
    browser.open(scored / "exp/errors.html")
    browser.evaluate("document.getElementById('search').focus()")
    for key in "jkp":
        browser.press(key)
    assert browser.evaluate("document.getElementById('search').value") == "jkp"
    assert browser.evaluate(f"{SHOWN}.length") == 0
