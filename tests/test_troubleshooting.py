"""The README's table of troubles: each message in it is one that somebody can really get to see."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
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


def texts() -> Iterator[re.Pattern[str]]:
    """Every text in the code, with anything in the place of what is filled in."""
    for path in (path for source in SOURCES for path in (ROOT / source).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            fixed = [part.value if isinstance(part, ast.Constant) else None for part in parts]
            if sum(len(part) for part in fixed if isinstance(part, str)) >= FEWEST:
                words = (re.escape(part.replace("\n", " ")) if isinstance(part, str) else ".+" for part in fixed)
                yield re.compile("".join(words))


@pytest.fixture(scope="module")
def said() -> list[re.Pattern[str]]:
    return list(texts())


def test_there_is_a_table() -> None:
    assert len(messages()) > FEWEST


@pytest.mark.parametrize("message", messages())
def test_what_the_table_quotes_is_what_is_said(message: str, said: list[re.Pattern[str]]) -> None:
    assert any(text.fullmatch(message) for text in said)
