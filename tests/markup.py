"""A page as a browser's parser has it, so that tests can ask what is on it."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "br"}


class Page(HTMLParser):
    """A page as its tags, in order, and its text by the id that it stands in."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.markup = markup
        self.pieces: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"<{tag}> has an attribute twice"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    def all(self, name: str) -> list[dict[str, str | None]]:
        """The attributes of every tag of this name."""
        return [attrs for tag, attrs in self.tags if tag == name]

    @property
    def text(self) -> str:
        """What there is to read."""
        return "".join(self.pieces)

    @property
    def ids(self) -> list[str]:
        """Every id, as often as it is given."""
        return [attrs["id"] or "" for _, attrs in self.tags if "id" in attrs]

    def part(self, ident: str) -> str:
        """The text of the element with this id, in which no other of its kind lies."""
        found = re.search(rf'<(\w+)[^<>]* id="{re.escape(ident)}".*?</\1>', self.markup, re.DOTALL)
        assert found, f"nothing has the id {ident}"
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", found[0])).split())
