"""The page of errors: one self-contained HTML file whose cards can be played, filtered and sorted in a browser."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape

from ser.report import page
from ser.report.clip import MOST_SECONDS, Clip
from ser.report.errors import LISTS, Judged, Judgements, Known, pair_counts, speaker_counts
from ser.report.script import ERRORS_SCRIPT
from ser.report.style import CSS, ERRORS_CSS
from ser.results.result_table import NOT_APPLICABLE

SORTS = {
    "sure": "mistakes first",
    "unsure": "least certain first",
    "speaker": "by speaker",
    "pair": "by pair of classes",
}
Recordings = Callable[[str], Clip | None]


def errors_page(
    judgements: Judgements, chosen: Sequence[Judged], known: Known, recordings: Recordings, heard: str
) -> str:
    """Write the page.

    Parameters
    ----------
    chosen : the utterances that get a card, from `ser.report.errors.choose`.
    known : tables of the training data dirs, for the nearest training utterances.
    recordings : returns the clip of an utterance, or None if there is none.
    heard : a sentence on which clips can be played, and why others cannot.
    """
    row = judgements.row.row
    title = f"Errors of {row.test}"
    wrong = sum(not one.is_right for one in judgements.utterances)
    total = len(judgements.utterances)
    parts = {what: getattr(row, what) for what in ("system", "modality", "layer", "variant", "text", "backend")}
    name = ", ".join(f"{what} {value}" for what, value in parts.items() if value != NOT_APPLICABLE)
    head = page.paragraph(
        f"{wrong} of {total} utterances are misclassified ({100 * wrong / total:.1f} %). {len(chosen)} utterances "
        f"have a card here: {', '.join(LISTS.values())}. {heard}"
    ) + page.paragraph(f"The row: {name}; trained on {row.train}.", "muted")
    cards = "".join(_card(one, judgements.classes, known, recordings(one.utt)) for one in chosen)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{CSS}{ERRORS_CSS}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{escape(title)}</h1>\n{head}</header>\n<main>\n"
        f"{_pairs(judgements)}{_speakers(judgements)}{_controls(judgements.classes, chosen)}"
        f'<div id="cards">\n{cards}</div>\n{_legend()}</main>\n<script>{ERRORS_SCRIPT}</script>\n</body>\n</html>\n'
    )


def _pairs(judgements: Judgements) -> str:
    """Make the confusion table; each number is a button that shows the cards of its pair of classes."""
    counts = pair_counts(judgements.utterances)
    truths = [*judgements.classes, *sorted({truth for truth, _ in counts} - set(judgements.classes))]
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in judgements.classes)
    lines = []
    for truth in truths:
        cells = []
        for predicted in judgements.classes:
            count = counts[truth, predicted]
            label = f"{count} of {truth}, called {predicted}"
            button = (
                f'<button type="button" data-set-true="{escape(truth)}" data-set-pred="{escape(predicted)}" '
                f'aria-label="{escape(label)}">{count}</button>'
            )
            mark = ' class="best"' if truth == predicted else ""
            cells.append(f"<td{mark}>{button if count else 0}</td>")
        lines.append(f'<tr><th scope="row" class="text">{escape(truth)}</th>{"".join(cells)}</tr>\n')
    return (
        '<section>\n<h2 id="pairs">Pairs of classes</h2>\n<figure class="table"><figcaption>Utterances by true class '
        "(row) and chosen class (column); a number shows the cards of its pair.</figcaption>\n"
        '<div class="scroll" role="region" aria-label="Pairs of classes" tabindex="0"><table class="pairs">\n'
        f'<thead><tr><th class="text" scope="col">true \\ chosen</th>{head}</tr></thead>\n'
        f"<tbody>\n{''.join(lines)}</tbody>\n</table></div></figure>\n</section>\n"
    )


def _speakers(judgements: Judgements) -> str:
    lines = []
    for speaker, (wrong, total) in speaker_counts(judgements.utterances).items():
        button = f'<button type="button" data-set-speaker="{escape(speaker)}">{escape(speaker or "unknown")}</button>'
        lines.append(
            f'<tr><th scope="row" class="text">{button}</th><td>{wrong}</td><td>{total}</td>'
            f'<td>{100 * wrong / total:.0f} %</td><td class="text"><span class="bar" '
            f'style="width:{6 * wrong / total:.2f}rem"></span></td></tr>\n'
        )
    table = (
        '<div class="scroll" role="region" aria-label="Speakers" tabindex="0"><table>\n<thead><tr><th class="text" '
        'scope="col">speaker</th><th scope="col">mistakes</th><th scope="col">of</th><th scope="col">share</th>'
        f"<td></td></tr></thead>\n<tbody>\n{''.join(lines)}</tbody>\n</table></div>\n"
    )
    return f'<section>\n<h2 id="speakers">Speakers</h2>\n{page.folded("Mistakes by speaker", table)}</section>\n'


def _controls(classes: Sequence[str], chosen: Sequence[Judged]) -> str:
    truths = sorted({one.truth for one in chosen} | set(classes))
    speakers = sorted({one.speaker for one in chosen})
    selects = [
        _select("list", "List", {"": "all cards", **LISTS}),
        _select("true", "True class", {"": "any", **{name: name for name in truths}}),
        _select("pred", "Chosen class", {"": "any", **{name: name for name in classes}}),
        _select("speaker", "Speaker", {"": "any", **{name: name or "unknown" for name in speakers}}),
        _select("sort", "Order", SORTS),
    ]
    search = '<label>Words or name <input id="search" type="search" autocomplete="off"></label>'
    return (
        '<section>\n<h2 id="hear">Listen</h2>\n<form id="controls">'
        f'{"".join(selects)}{search}<button type="reset">Show all</button></form>\n'
        f'<p id="count" role="status" aria-live="polite">{len(chosen)} of {len(chosen)} cards</p>\n'
        '<p class="muted">Keys: <kbd>j</kbd> next card, <kbd>k</kbd> previous card, <kbd>p</kbd> play or pause.</p>\n'
        "</section>\n"
    )


def _select(name: str, label: str, options: Mapping[str, str]) -> str:
    listed = "".join(f'<option value="{escape(value)}">{escape(text)}</option>' for value, text in options.items())
    return f'<label>{label} <select id="{name}">{listed}</select></label>'


def _card(one: Judged, classes: Sequence[str], known: Known, clip: Clip | None) -> str:
    data = {
        "utt": one.utt,
        "true": one.truth,
        "pred": one.predicted,
        "speaker": one.speaker,
        "list": " ".join(one.lists),
        "conf": f"{one.confidence:.6f}",
        "margin": f"{one.margin:.6f}",
        "words": f"{one.utt} {one.text}".lower(),
    }
    attributes = "".join(f' data-{name}="{escape(value)}"' for name, value in data.items())
    verdict = "right" if one.is_right else f"called {one.predicted}"
    tags = "".join(f'<span class="tag">{escape(LISTS[name])}</span>' for name in one.lists)
    bars = "".join(
        f'<li><span class="name">{escape(name)}</span><span class="bar{" true" * (name == one.truth)}" '
        f'style="width:{100 * share:.1f}%"></span><span class="share">{share:.2f}</span></li>'
        for name, share in zip(classes, one.posteriors, strict=True)
    )
    facts = [("utterance", one.utt), ("speaker", one.speaker or "unknown"), ("fold", one.fold)]
    if clip is not None:
        facts.append(("length", f"{clip.seconds:.2f} s"))
    if one.votes:
        facts.append(("annotators", ", ".join(vote.replace(":", " ") for vote in one.votes.split())))
    listed = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    return (
        f'<article class="error {"right" if one.is_right else "wrong"}" tabindex="0"{attributes}>\n'
        f'<h3>{escape(one.truth)}, {escape(verdict)} <span class="conf">{one.confidence:.2f}</span></h3>\n'
        f'<div class="tags">{tags}</div>\n'
        + (f'<p class="words">“{escape(one.text)}”</p>\n' if one.text else "")
        + (_picture(one, clip) if clip is not None else "")
        + f'<ul class="bars">{bars}</ul>\n<dl>{listed}</dl>\n{_nearest(one, known)}</article>\n'
    )


def _picture(one: Judged, clip: Clip) -> str:
    lines = "".join(
        f'<polyline points="{" ".join(f"{1000 * x:.1f},{100 * y:.1f}" for x, y in line)}"></polyline>'
        for line in clip.pitch
    )
    what = f"Spectrogram to 5 kHz and pitch of {one.utt}"
    player = f'<audio controls preload="none" src="{clip.sound}"></audio>' if clip.sound else ""
    return (
        f'<div class="sound"><img alt="{escape(what)}" src="{clip.spectrogram}">'
        f'<svg viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true">{lines}'
        f'<line class="cursor" x1="0" x2="0" y1="0" y2="100"></line></svg></div>\n{player}\n'
    )


def _nearest(one: Judged, known: Known) -> str:
    if not one.nearest:
        return ""
    lines = []
    for utt, score in one.nearest:
        label, text = known.get("utt2emo", utt), known.get("text", utt)
        words = f" “{escape(text)}”" if text else ""
        lines.append(f"<li><b>{escape(label or '?')}</b> {escape(utt)}{words} <span>{score:.1f}</span></li>")
    return f'<details><summary>Nearest in training</summary><ol class="nearest">{"".join(lines)}</ol></details>\n'


def _legend() -> str:
    return page.paragraph(
        "Spectrograms: 0 to 5 kHz, dark is loud, 65 dB from the loudest point of the clip. Line: pitch of voiced "
        "frames, 60 Hz at the bottom to 480 Hz at the top, octaves evenly spaced. Bars: posterior of each class, the "
        "true one marked. Nearest in training, where a back end scores pairs: the utterances of its highest scores, "
        f"with their class and score. Clips longer than {MOST_SECONDS:.0f} s are cut there.",
        "muted",
    )
