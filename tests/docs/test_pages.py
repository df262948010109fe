"""What the documentation says of the code is what the code says."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_table_of_corpora_is_the_one_that_its_script_writes():
    script = runpy.run_path(str(ROOT / "docs" / "list_corpora.py"))
    page = script["PAGE"].read_text(encoding="utf-8")
    assert page == script["page"](), "run: python3 docs/list_corpora.py"
