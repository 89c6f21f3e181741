"""Where a request leads: the host that it names has no say in it, and two slashes inside of a path are not one.

Werkzeug goes through the rules anew for each request, and leaves a cycle behind that only a search for garbage ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask
from werkzeug.routing import Map, MapAdapter, Rule


class Paths(Map):
    """The rules, and by path and method those that were found already for a path that is always the same."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, merge_slashes=False)  # or /orders//1 would be redirected
        self.found: dict[tuple[str, str], Rule] = {}
        """No more than there are rules, each with its own methods: whatever else is asked for is never put here."""


class Search(MapAdapter):
    """The search for the rule of one request."""

    map: Paths

    def match(self, *arguments: Any, **options: Any) -> Any:
        """As Flask asks for it, at once if it was found before; any other question is Werkzeug's."""
        if arguments or options != {"return_rule": True}:
            return super().match(*arguments, **options)
        asked = self.path_info, self.default_method
        if known := self.map.found.get(asked):
            return known, {}
        rule, values = super().match(return_rule=True)
        if rule.rule == self.path_info and not rule.arguments:
            self.map.found[asked] = rule
        return rule, values


class Application(flask.Flask):
    """Flask for `host`, without asking of each function whether it is asynchronous: none of ours is."""

    url_map_class: type[Map] = Paths

    def __init__(self, name: str, host: str, **options: Any) -> None:
        super().__init__(name, **options)
        self._host = host

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func

    def create_url_adapter(self, request: flask.Request | None) -> MapAdapter | None:
        """The search for where `request` leads; where we redirect to, we are called `host`, whatever it says."""
        if request is None:
            return None
        method, query = request.method, request.query_string.decode("latin1")
        return Search(self.url_map, self._host, "/", "", "https", request.path, method, query)
