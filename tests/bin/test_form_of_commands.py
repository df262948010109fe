"""Every command of ser/bin has the form that ser.cli.make_parser describes."""

import argparse
import ast
import importlib
import re
import shlex
import sys
from pathlib import Path

import pytest

BIN = Path(__file__).parents[2] / "ser" / "bin"
COMMANDS = sorted(path.stem for path in BIN.glob("*.py") if path.stem != "__init__")
# What Kaldi's scripts of the same names have as flags without a value.
KALDI_FLAGS = ("--per-utt", "--no-feats", "--no-wav", "--no-text")


def tree(command):
    return ast.parse((BIN / f"{command}.py").read_text(encoding="utf-8"))


def examples(doc):
    """Return the command lines of a docstring, each with its continuation lines joined."""
    return re.findall(r"^  (?=python3 -m )(.*)", re.sub(r" \\\n {4}(?=\S)", " ", doc), re.MULTILINE)


def faults(module, command):
    """Say in what the source of a command departs from the form."""
    doc = ast.get_docstring(module, clean=False) or ""
    first, *rest = doc.split("\n")
    if not re.search(r"\.$", first) or (rest and rest[0]):
        yield "docstring: the first line is a sentence, the second empty"
    last = doc.rstrip("\n").replace("\\\n", "").split("\n\n")[-1].split("\n")
    if not all(line.startswith(f"  python3 -m ser.bin.{command}") for line in last):
        yield f"docstring: it ends with examples, '  python3 -m ser.bin.{command} ...'"
    if not doc.endswith("\n") or doc.endswith("\n\n") or re.search(r"\b[Ee]xamples?:|e\.g\.", doc):
        yield "docstring: the closing quotes follow the examples, and no 'Example:' stands before them"
    mains = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == "main"]
    if len(mains) != 1 or ast.get_docstring(mains[0]):
        yield "one main(), without a docstring"
    if ast.unparse(module.body[-1]) != "if __name__ == '__main__':\n    cli.run(main)":
        yield "it ends with cli.run(main)"
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument":
            yield from argument_faults(node)


def argument_faults(call):
    """Say in what one add_argument departs from the form."""
    name = call.args[0].value if isinstance(call.args[0], ast.Constant) else ast.unparse(call.args[0]).strip("f'")
    options = {word.arg: word.value for word in call.keywords}
    text = "".join(part.value for part in ast.walk(options.get("help", call)) if isinstance(part, ast.Constant))
    if "help" not in options or not text.split("[%(default)s]")[0].strip():
        yield f"{name}: no help text"
    default = options.get("default", ast.Constant(None))
    shown = not (isinstance(default, ast.Constant) and default.value in (None, "")) and ast.unparse(default) != "[]"
    if shown != text.endswith("[%(default)s]") or text.count("%(default)s") != int(shown):
        yield f"{name}: a default is shown once, as [%(default)s] at the end of the help text"
    metavar = options.get("metavar")
    words = [part.value for part in ast.walk(metavar) if isinstance(part, ast.Constant)] if metavar else []
    action = ast.unparse(options["action"]).strip("'") if "action" in options else ""
    if not name.startswith("-"):
        if not re.fullmatch(r"(<[a-z0-9-]+>[ =:]?)+", "".join(words)):
            yield f"{name}: the metavar of a positional is '<{name.replace('_', '-')}>'"
    elif "type" in options and ast.unparse(options["type"]) in ("cli.boolean", "boolean"):
        if metavar:
            yield f"{name}: cli writes the metavar of a boolean"
    elif action.startswith("store_"):
        if action != "store_const" and name not in KALDI_FLAGS:
            yield f"{name}: a boolean has the type cli.boolean"
    elif "choices" not in options and not (words and all(re.match(r"'?[A-Z]|\d\|", word) for word in words)):
        yield f"{name}: the metavar of an option is in capitals"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_the_form_of_all(command):
    assert list(faults(tree(command), command)) == []


def test_the_options_that_commands_share_have_the_form():
    modules = [ast.parse((BIN.parent / name).read_text(encoding="utf-8")) for name in ("cli.py", "ivector_options.py")]
    calls = [
        node
        for module in modules
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and ".add_argument(" in ast.unparse(node)
    ]
    named = [call for call in calls if call.args and isinstance(call.args[0], ast.Constant)]
    assert len(named) > 15
    assert [fault for call in named for fault in argument_faults(call)] == []


@pytest.mark.parametrize(
    "source, fault",
    [
        ('parser.add_argument("data_dir", metavar="data-dir", help="x")', "metavar of a positional is '<data-dir>'"),
        ('parser.add_argument("data_dir", metavar="<data-dir>")', "data_dir: no help text"),
        ('parser.add_argument("--nj", metavar="N", default=4, help="jobs [4]")', "shown once, as [%(default)s]"),
        ('parser.add_argument("--nj", metavar="N", default=4, help="[%(default)s]")', "--nj: no help text"),
        ('parser.add_argument("--nj", type=int, help="jobs")', "an option is in capitals"),
        ('parser.add_argument("--nj", metavar="n", help="jobs")', "an option is in capitals"),
        ('parser.add_argument("--fast", action="store_true", help="x")', "has the type cli.boolean"),
        ('parser.add_argument("--fast", type=cli.boolean, metavar="BOOL", help="x")', "cli writes the metavar"),
    ],
)
def test_an_argument_that_departs_from_the_form_is_found(source, fault):
    found = list(argument_faults(ast.parse(source).body[0].value))
    assert len(found) == 1 and fault in found[0]


class Parsed(Exception):
    """Ends a command once its arguments are parsed."""


@pytest.mark.parametrize("command", COMMANDS)
def test_the_examples_of_a_command_parse(command, monkeypatch):
    def parse(parser, args=None, namespace=None):
        _, left = known(parser, args, namespace)
        if left and command != "plan_run":  # the settings of a system are not the parser's
            parser.error(f"unrecognized arguments: {left}")
        raise Parsed

    known = argparse.ArgumentParser.parse_known_args
    monkeypatch.setattr(argparse.ArgumentParser, "parse_known_args", parse)
    module = importlib.import_module(f"ser.bin.{command}")
    lines = examples(module.__doc__)
    assert lines
    for line in lines:
        monkeypatch.setattr(sys, "argv", shlex.split(line.split(" > ")[0])[2:])
        with pytest.raises(Parsed):
            module.main()
