"""The files that a command uses are found, and their digests tell a change of code from one of words."""

from pathlib import Path

import pytest

from ser.errors import SerError
from ser.record import code
from ser.record.code import Sources

FILES = {
    "steps/work.sh": "set -e\n. steps/shared.sh\n# steps/other.sh is not called\n"
    'utils/part.sh "$1" || die "none; run steps/other.sh"\n'
    "$cmd log \\\n  python3 -m ser.bin.work --config conf/default.yaml\n",
    "steps/shared.sh": "nj=4\n",
    "utils/part.sh": "sort\n",
    "ser/__init__.py": "",
    "ser/bin/__init__.py": "",
    "ser/bin/work.py": "import os\nfrom ser import cli\ndef main():\n    from ser.deep import inner, value\n",
    "ser/cli.py": "def run():\n    return 1\n",
    "ser/deep/__init__.py": "value = 1\n",
    "ser/deep/inner.py": "import ser.deep.innermost\n",
    "ser/deep/innermost.py": "",
    "ser/unused.py": "",
    "conf/own.yaml": "like: all.yaml\na: 1\nb: [1, 2]\n",
    "conf/all.yaml": "c: 4\n",
    "conf/default.yaml": "a: 2\n",
}
COMMAND = "steps/work.sh --config conf/own.yaml $dir"


@pytest.fixture
def root(tmp_path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_scripts_commands_and_imports_are_followed_to_the_end(root):
    unused = {"ser/unused.py", "conf/default.yaml"}
    assert list(Sources(root).used_by(COMMAND)) == sorted(FILES.keys() - unused)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("ser/cli.py", "return 1", "return 2"),
        ("ser/deep/innermost.py", "", "x = 1"),
        ("utils/part.sh", "sort", "sort -u"),
        ("conf/own.yaml", "a: 1", "a: 3"),
        ("conf/all.yaml", "c: 4", "c: 5"),
    ],
)
def test_a_change_of_code_or_settings_changes_that_digest_alone(root, name, old, new):
    before = Sources(root).used_by(COMMAND)
    (root / name).write_text((root / name).read_text().replace(old, new))
    after = Sources(root).used_by(COMMAND)
    assert {path for path in before if before[path] != after[path]} == {name}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ser/cli.py", '"""Doc."""\n\n\ndef run():\n    """Return."""\n    return (1)  # one\n'),
        ("utils/part.sh", "# Sorts.\n\n  sort\n"),
        ("conf/own.yaml", "# Two settings.\nb:\n- 1\n- 2\na: 1\nlike: all.yaml\n"),
        ("conf/default.yaml", "a: 5\n"),
        ("ser/unused.py", "x = 1\n"),
    ],
)
def test_words_layout_and_what_is_not_used_change_nothing(root, name, text):
    before = Sources(root).used_by(COMMAND)
    (root / name).write_text(text)
    assert Sources(root).used_by(COMMAND) == before


def test_packages_count_by_their_versions_and_the_standard_library_does_not(root, monkeypatch):
    (root / "ser/cli.py").write_text("import json\nimport yaml\nfrom torch.nn import functional\n")
    monkeypatch.setattr(code, "package_version", lambda name: f"{name} 1.2")
    used = Sources(root).used_by(COMMAND)
    assert {name: version for name, version in used.items() if "/" not in name} == {
        "torch": "torch 1.2",
        "yaml": "PyYAML 1.2",
    }


def test_a_string_that_is_no_docstring_is_code(root):
    before = Sources(root).used_by(COMMAND)
    (root / "ser/cli.py").write_text('def run():\n    x = "doc"\n    return 1\n')
    assert Sources(root).used_by(COMMAND) != before


def test_what_is_missing_or_does_not_parse_is_named(root):
    with pytest.raises(SerError, match=r"steps/absent.sh: cannot be read: No such file"):
        Sources(root).used_by("steps/absent.sh x")
    (root / "ser/cli.py").write_text("def run(:\n")
    with pytest.raises(SerError, match=r"ser/cli.py: does not parse: .*line 1"):
        Sources(root).used_by(COMMAND)


def test_real_steps_use_what_they_import():
    used = Sources(Path()).used_by("steps/train_xvector.sh")
    assert {"ser/training/fit.py", "ser/models/tdnn.py", "ser/kaldi/ark.py", "ser/cli.py"} <= used.keys()
    assert not any(path.startswith(("ser/backend/", "ser/text/", "conf/")) for path in used)
    assert {"torch", "numpy"} <= used.keys() and not {"transformers", "not installed"} & {*used, *used.values()}
