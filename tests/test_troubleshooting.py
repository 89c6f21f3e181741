"""The README's table of troubles: each message in it is one that somebody can really get to see."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("certs", "compose", "idp", "scenarios", "services")
FEWEST = 10
"""Letters of its own that a text must have, for a message to be recognized by it."""


def messages() -> list[str]:
    """What the table quotes; a row that quotes nothing tells what is seen, and curl's words are curl's."""
    _, _, table = (ROOT / "README.md").read_text("utf-8").partition("## Troubleshooting")
    quoted = [re.match(r"\| `([^`]+)`", line) for line in table.partition("\n## ")[0].splitlines()]
    return [each[1] for each in quoted if each and not each[1].startswith("curl:")]


def texts() -> Iterator[ast.Constant | ast.JoinedStr]:
    """Every text in the code."""
    for path in (path for source in SOURCES for path in (ROOT / source).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant | ast.JoinedStr):
                yield node


def filled_in(text: ast.JoinedStr) -> str:
    """The text as a pattern, with anything in the place of what is filled in; empty when it has too few words."""
    fixed = [part.value if isinstance(part, ast.Constant) else None for part in text.values]
    if sum(len(part) for part in fixed if isinstance(part, str)) < FEWEST:
        return ""
    return "".join(re.escape(part.replace("\n", " ")) if isinstance(part, str) else ".+" for part in fixed)


@pytest.fixture(scope="module")
def said() -> Callable[[str], bool]:
    found = list(texts())
    as_they_are = {text.value for text in found if isinstance(text, ast.Constant)}
    patterns = {pattern for text in found if isinstance(text, ast.JoinedStr) and (pattern := filled_in(text))}
    return lambda message: message in as_they_are or any(re.fullmatch(pattern, message) for pattern in patterns)


def test_there_is_a_table() -> None:
    assert len(messages()) > FEWEST


@pytest.mark.parametrize("message", messages())
def test_what_the_table_quotes_is_what_is_said(message: str, said: Callable[[str], bool]) -> None:
    assert said(message)
