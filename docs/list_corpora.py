#!/usr/bin/env python3
"""Write the table of docs/corpora.md from conf/corpora.tsv and from what the module of each corpus says at its top.

python3 docs/list_corpora.py
"""

import ast
import re
from pathlib import Path

from ser.plan.corpora import read_corpora

PAGE = Path(__file__).with_name("corpora.md")
MODULES = Path(__file__).parents[1] / "ser" / "corpora"
BEGIN, END = "<!-- written by docs/list_corpora.py -->\n", "<!-- end -->\n"
COLUMNS = ("name", "folder", "what it is", "paper; licence", "holds", "utterances", "folds")


def table() -> str:
    """Return the table in Markdown, a line a corpus in the order of conf/corpora.tsv."""
    lines = [COLUMNS, ["---"] * 5 + ["---:"] * 2]
    for corpus in read_corpora().values():
        module = ast.parse((MODULES / f"{corpus.name}.py").read_text(encoding="utf-8"))
        said = " ".join((ast.get_docstring(module) or "").split())
        title = said.split(". ")[0]
        paper, licence = (_field(said, name) for name in ("Paper", "Licence"))
        holds = ", ".join(sorted(corpus.holds))
        folds = corpus.folds if corpus.fold_names else "-"
        source = f"{paper}; {licence}"
        lines.append((corpus.name, f"`{corpus.folder}`", title, source, holds, f"{corpus.utterances:,}", str(folds)))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def page() -> str:
    """Return the page with its table as it should be."""
    text = PAGE.read_text(encoding="utf-8")
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    return text[:begin] + "\n" + table() + "\n" + text[end:]


def _field(said: str, name: str) -> str:
    match = re.search(rf"{name}: (.*?)\.? (?=(?:Licence:|Expected|Layout))", f"{said} Layout")
    return match[1] if match else "-"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
