"""Sending a request by the probe, from wherever it runs, and the verdict on what comes back."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests

from compose.refusals import CannotRun
from scenarios import probe, redact, verdict
from scenarios.verdict import Answer

PROBE = Path(probe.__file__).read_text(encoding="utf-8")
Headers = Mapping[str, str] | list[tuple[str, str]]
Ran = subprocess.CompletedProcess[str]
"""A command that ended, and what it said."""
MOST = 100_000
"""Characters of one argument on a command line, well below what Linux allows (128 KiB)."""


def request(url: str, method: str, headers: Headers | None, body: Any, more: Mapping[str, Any]) -> dict[str, Any]:
    """A request as the probe is told of it; a body that is no text is sent as JSON."""
    pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers or [])
    if body is not None and not isinstance(body, str):
        body = json.dumps(body)
        pairs.append(("Content-Type", "application/json"))
    return {"url": url, "method": method, "headers": pairs, "body": body, **more}


def answered(response: requests.Response) -> Answer:
    """The verdict on what a person with a program got."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    found = verdict.answer(response.status_code, headers, response.text)
    return replace(found, request=redact.prepared(response.request), trace=_trace(headers.get("traceresponse")))


def traced(wanted: dict[str, Any]) -> dict[str, Any]:
    """The request with a trace id of its own, by which the audit lines can be found; what is sent raw stays raw."""
    if not wanted.get("raw") and not any(name.lower() == "traceparent" for name, _ in wanted["headers"]):
        wanted["headers"].append(("traceparent", f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"))
    return wanted


def _trace(told: str | None) -> str | None:
    """The trace id in a `traceparent` or `traceresponse`; None when it has another shape."""
    return told.split("-")[1] if told and told.count("-") == 3 else None


def told(wanted: dict[str, Any], came_back: dict[str, Any]) -> Answer:
    """The verdict on what came back to the probe."""
    if "refused" in came_back:
        return replace(verdict.refused(came_back["refused"]), request=redact.request(wanted))
    found = verdict.answer(came_back["status"], came_back["headers"], came_back["body"])
    sent = next((value for name, value in wanted["headers"] if name.lower() == "traceparent"), None)
    trace = _trace(came_back["headers"].get("traceresponse") or sent)
    return replace(found, request=redact.request(wanted), trace=trace, seconds=came_back["seconds"])


def in_portions(wanted: list[dict[str, Any]], run: Callable[[list[str]], Ran], where: str) -> list[Answer]:
    """The answers to all of it, by as few probes as a command line allows, each started by `run`."""
    answers: list[dict[str, Any]] = []
    for portion in _portions(wanted):
        ran = run(["python", "-c", PROBE, portion])
        if ran.returncode:
            raise CannotRun(f"the probe failed in {where}: {ran.stderr[-500:]}", "make logs")
        answers += json.loads(ran.stdout)
    return [told(*pair) for pair in zip(wanted, answers, strict=True)]


def _portions(wanted: list[dict[str, Any]]) -> Iterator[str]:
    """The requests as JSON lists, each short enough for a command line."""
    portion: list[str] = []
    for text in map(json.dumps, wanted):
        if portion and sum(map(len, portion)) + len(text) > MOST:
            yield f"[{','.join(portion)}]"
            portion = []
        portion.append(text)
    if portion:
        yield f"[{','.join(portion)}]"
