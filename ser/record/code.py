"""Find the code that a command uses: files of this repository with their digests, and packages with their versions.

Comments do not change a digest. Parsing takes some milliseconds per file, too much for many short jobs. So the results
are kept in the user's cache folder by path, size and time of change, and only an edited file is parsed again.
"""

import ast
import contextlib
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ser.config import LIKE
from ser.errors import SerError
from ser.files import atomic_path, cache_folder
from ser.versions import package_version

_MODULE = re.compile(r"-m (ser\.bin\.\w+)")
# A script counts only in the place of a command, called or sourced (`. script`), not where a message recommends it.
_SCRIPT = re.compile(
    r"(?:^|[;&|({]|\b(?:do|then|else|exec|if)\b)\s*(?:\.\s+)?((?:steps|utils|local)/\w+\.sh)\b", re.MULTILINE
)
_SETTINGS = re.compile(r"(?<![\w/.])conf/[\w./-]+")
# Module -> package, where the two have different names.
_DISTRIBUTIONS = {"sklearn": "scikit-learn", "yaml": "PyYAML"}
# Fields of a syntax tree that not all versions of Python have, or that say nothing about what is computed.
_NOT_CODE = {"ctx", "kind", "type_comment", "type_ignores", "type_params"}
# Cache of the parsed files. Change the number in its name when its contents or the way of digesting change.
_CACHE = "code-2.json"


class Sources:
    """The files under `root`; each is parsed once, and other processes read the result from the cache."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._read: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._used: dict[str, dict[str, str]] = {}
        # File -> [size, time of change in ns, digest, files and packages that it uses], from when it was parsed.
        self._parsed: dict[str, list] = _load()
        self._news = False

    def used_by(self, commands: str) -> dict[str, str]:
        """Find the code that shell `commands` run: path -> digest of the file, package -> version; sorted.

        Files are the scripts of steps/, utils/ and local/ that the commands call; the scripts that these call or
        source; the commands of ser.bin that any of them runs; every module of ser that these import, at the top or
        inside a function; and the files of conf/ that `commands` name, with those that they are like. A file of conf/
        that only a script names does not count: it is a default, which the caller may have replaced. Packages are
        those that any module imports.

        For Python the digest is of the syntax tree without docstrings, for YAML of the data, otherwise of the lines.
        Comments and blank lines do not change it.

        Raises
        ------
        SerError
            If a file is missing or does not parse.
        """
        if commands not in self._used:
            self._news = False
            self._used[commands] = self._find(commands)
            if self._news:
                _save(self._parsed)
        return self._used[commands]

    def _find(self, commands: str) -> dict[str, str]:
        found: set[str] = set()
        waiting = [*self._called(commands), *_SETTINGS.findall(commands)]
        while waiting:
            path = waiting.pop()
            if path not in found:
                found.add(path)
                waiting += self._file(path)[1]
        return {path: self._file(path)[0] for path in sorted(found)}

    def _file(self, path: str) -> tuple[str, tuple[str, ...]]:
        """Return the digest of a file and the files and packages that it uses; for a package, its version and ()."""
        if path not in self._read:
            self._read[path] = self._parse(path)
        return self._read[path]

    def _parse(self, path: str) -> tuple[str, tuple[str, ...]]:
        if "/" not in path:
            return package_version(_DISTRIBUTIONS.get(path, path)), ()
        file = self._root / path
        try:
            status = os.stat(file)
            state = [status.st_size, status.st_mtime_ns]
            if (known := self._parsed.get(str(file))) and known[:2] == state:
                return known[2], tuple(known[3])
            text = file.read_text(encoding="utf-8")
            digest, uses = self._read_text(path, text)
        except OSError as error:
            raise SerError(f"{file}: cannot be read: {error.strerror}; a step of the grid uses it") from error
        except (SyntaxError, yaml.YAMLError) as error:
            raise SerError(f"{file}: does not parse: {error}") from error
        self._parsed[str(file)] = [*state, digest, list(uses)]
        self._news = True
        return digest, uses

    def _read_text(self, path: str, text: str) -> tuple[str, tuple[str, ...]]:
        """Return the digest of the text of a file, and the files and packages that it uses."""
        suffix = os.path.splitext(path)[1]
        if suffix == ".py":
            tree = ast.parse(text)
            return _sha256(repr(_plain(tree))), tuple(self._imports(tree))
        if suffix == ".yaml":
            data = yaml.safe_load(text)
            base = [str(data[LIKE])] if isinstance(data, dict) and LIKE in data else []
            uses = tuple(os.path.normpath(os.path.join(os.path.dirname(path), name)) for name in base)
            return _sha256(json.dumps(data, sort_keys=True)), uses
        lines = (line.strip() for line in text.splitlines())
        says = "\n".join(line for line in lines if line and not line.startswith("#"))
        return _sha256(says), tuple(self._called(says)) if suffix == ".sh" else ()

    def _called(self, shell: str) -> Iterator[str]:
        yield from _SCRIPT.findall(shell)
        for name in _MODULE.findall(shell):
            yield from self._module(name)

    def _imports(self, tree: ast.Module) -> Iterator[str]:
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            for name in names:
                package = name.split(".")[0]
                if package == "ser":
                    yield from self._module(name)
                elif package not in sys.stdlib_module_names:
                    yield package

    def _module(self, name: str) -> Iterator[str]:
        """Find the files that importing `name` runs, with the __init__.py of its packages.

        The last part of `name` may be a function or class of the module before it; it then adds no file.
        """
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            stem = "/".join(parts[:end])
            yield from (path for path in (f"{stem}/__init__.py", f"{stem}.py") if (self._root / path).is_file())


def _load() -> dict[str, list]:
    with contextlib.suppress(OSError, ValueError):
        parsed = json.loads((cache_folder() / _CACHE).read_bytes())
        if isinstance(parsed, dict) and all(isinstance(entry, list) and len(entry) == 4 for entry in parsed.values()):
            return parsed
    return {}


def _save(parsed: dict[str, list]) -> None:
    """Write the cache, for files that still exist. If it cannot be written, every process parses the files itself."""
    present = {path: entry for path, entry in parsed.items() if os.path.exists(path)}
    with contextlib.suppress(OSError, SerError), atomic_path(cache_folder() / _CACHE) as temporary:
        temporary.write_text(json.dumps(present), encoding="utf-8")


def _plain(node: Any) -> Any:
    """Return a syntax tree as nested tuples that are the same in every version of Python."""
    if isinstance(node, ast.AST):
        fields = ((name, _without_docstring(node, name, value)) for name, value in ast.iter_fields(node))
        return (
            type(node).__name__,
            *((name, _plain(value)) for name, value in fields if name not in _NOT_CODE and value not in (None, [])),
        )
    return tuple(map(_plain, node)) if isinstance(node, list) else node


def _without_docstring(node: ast.AST, name: str, value: Any) -> Any:
    documented = isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
    if documented and name == "body" and value and isinstance(value[0], ast.Expr):
        first = value[0].value
        return value[1:] if isinstance(first, ast.Constant) and isinstance(first.value, str) else value
    return value


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
