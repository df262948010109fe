"""The parts of a page as HTML. Only this module escapes text: arguments are plain text, except those named `html`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import zip_longest
from typing import cast

from ser.report.pictures import Picture, to_svg
from ser.report.style import CSS


@dataclass(frozen=True)
class Section:
    """A section: its heading, its HTML, and the pictures in it."""

    title: str
    html: str
    pictures: tuple[Picture, ...] = ()

    @property
    def anchor(self) -> str:
        return "".join(letter if letter.isalnum() else "-" for letter in self.title.lower())


def page(title: str, head_html: str, sections: Sequence[Section]) -> str:
    """Put the page together: the first screen, the list of contents, the sections."""
    contents = "".join(f'<li><a href="#{one.anchor}">{escape(one.title)}</a></li>' for one in sections)
    bodies = "".join(
        f'<section aria-labelledby="{one.anchor}">\n<h2 id="{one.anchor}">{escape(one.title)}</h2>\n'
        f"{one.html}</section>\n"
        for one in sections
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<header>\n<h1>{escape(title)}</h1>\n"
        f'{head_html}</header>\n<nav aria-label="Contents"><ol>{contents}</ol></nav>\n'
        f"<main>\n{bodies}</main>\n</body>\n</html>\n"
    )


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph; `kind` is ``muted``, ``missing`` or nothing.

    >>> paragraph("a < b")
    '<p>a &lt; b</p>\\n'
    """
    return f'<p class="{kind}">{escape(text)}</p>\n' if kind else f"<p>{escape(text)}</p>\n"


def link(text: str, target: str) -> str:
    """A paragraph that is a link to a file beside the page.

    >>> link("Errors", "errors.html")
    '<p><a href="errors.html">Errors</a></p>\\n'
    """
    return f'<p><a href="{escape(target)}">{escape(text)}</a></p>\n'


def heading(text: str) -> str:
    """A heading inside a section."""
    return f"<h3>{escape(text)}</h3>\n"


def missing(what: str, remedy: str) -> str:
    """Say what is missing, and which command makes it."""
    return f'<p class="missing">No {escape(what)}. <code>{escape(remedy)}</code> makes it.</p>\n'


def folded(summary: str, html: str) -> str:
    """A part that is closed until the reader opens it."""
    return f"<details><summary>{escape(summary)}</summary>\n{html}</details>\n"


def card(title: str, figure: str, *lines: str) -> str:
    """A card: one number in large type with its title."""
    below = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return f'<div class="card"><h4>{escape(title)}</h4><p class="figure">{escape(figure)}</p>{below}</div>\n'


def cards(html: Iterable[str]) -> str:
    """A row of cards."""
    return f'<div class="cards">\n{"".join(html)}</div>\n'


def table(
    caption: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    text_columns: int = 1,
    marked: Sequence[bool] = (),
) -> str:
    """A table that scrolls inside its own box.

    Parameters
    ----------
    text_columns : how many of the first columns hold text, aligned to the left; the first is the row's header. The
        others hold numbers.
    marked : for each row, whether it is highlighted; empty: no row is.
    """

    def kind(place: int, text: str = "") -> str:
        names = ["text"] * (place < text_columns) + ["long"] * (len(text) > 60)
        return f' class="{" ".join(names)}"' if names else ""

    head = "".join(f'<th scope="col"{kind(place)}>{escape(name)}</th>' for place, name in enumerate(columns))
    lines = []
    for row, best in zip_longest(rows, marked, fillvalue=False):
        first, *others = cast(Sequence[str], row)
        cells = "".join(f"<td{kind(place, text)}>{_breakable(text)}</td>" for place, text in enumerate(others, start=1))
        mark = ' class="best"' if best else ""
        lines.append(f'<tr{mark}><th scope="row" class="text">{_breakable(first)}</th>{cells}</tr>\n')
    return (
        f'<figure class="table"><figcaption>{escape(caption)}</figcaption>\n'
        f'<div class="scroll" role="region" aria-label="{escape(caption)}" tabindex="0"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{''.join(lines)}</tbody>\n"
        "</table></div></figure>\n"
    )


def _breakable(text: str) -> str:
    """Escape `text` and let a line end after each ``+``, as in ``voxceleb1+cremad+iemocap``."""
    return escape(text).replace("+", "+<wbr>")


def pictured(title: str, pictures: Sequence[Picture], what: str, remedy: str) -> Section:
    """Make a section of pictures, or of a note that says which file they need."""
    return Section(title, figures(pictures) if pictures else missing(what, remedy), tuple(pictures))


def figures(pictures: Iterable[Picture]) -> str:
    """Pictures, each with its caption and links to its files."""
    return f'<div class="figures">\n{"".join(map(_figure, pictures))}</div>\n'


def _figure(picture: Picture) -> str:
    files = " · ".join(f'<a href="figures/{picture.name}.{kind}">{kind.upper()}</a>' for kind in ("png", "tsv"))
    return (
        f"<figure>{to_svg(picture)}<figcaption>{escape(picture.caption)} "
        f'<span class="files">{files}</span></figcaption></figure>\n'
    )
