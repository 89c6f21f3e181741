"""Faults: the next N answers of an endpoint, spoilt as it was written down.  Counted, never random.

Armed for an endpoint, a fault waits for its requests, whichever worker they reach; several stand in a queue.  What it
does, in the order of a request:

    delay       nothing happens for so many seconds
    status      that is the answer, with an error in it: nothing else is done, nor is it asked which client this is
    token       what is signed, or told by introspection, is wrong in one way
    answer      what was done is done, and its answer is damaged on the way

A `token` fault at /token spoils what is signed; what is opaque says nothing by itself, so arm /introspect for it.
"""

from __future__ import annotations

import functools
import json
import socket
import time
from collections.abc import Iterator
from typing import Any, Literal

import flask
import sqlalchemy as sa
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from pydantic import Field, model_validator

from idp import key_files, keys
from idp.manage import state
from idp.manage.operations import Body, operation
from idp.manage.shapes import ArmedFault
from idp.provider import Provider
from idp.store import Store
from services import audit

Endpoint = Literal[
    "/token", "/introspect", "/jwks", "/authorize", "/userinfo", "/revoke", "/.well-known/openid-configuration"
]
Answer = Literal["malformed", "html", "oversized", "dropped", "active-as-text"]
Wrong = Literal["wrong-key", "expired", "wrong-issuer", "wrong-audience", "wrong-typ"]
OVERSIZED = 1024 * 1024
LONG_AGO = 3600
ELSEWHERE = "https://elsewhere.invalid"
OTHER_TYP = {"at+jwt": "JWT", "JWT": "at+jwt"}
_faults = state.faults


class Fault(Body):
    """What goes wrong, where, and how many times."""

    endpoint: Endpoint
    times: int = Field(default=1, ge=1, le=100_000)
    delay: float = Field(default=0, ge=0, le=60)
    status: int | None = Field(default=None, ge=300, le=599)
    answer: Answer | None = None
    token: Wrong | None = None
    of: Literal["access", "id"] = "access"
    """Which of the signed tokens is wrong."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Fault:
        if not (self.delay or self.status or self.answer or self.token):
            raise ValueError("a fault does something")
        if self.answer == "active-as-text" and self.endpoint != "/introspect":
            raise ValueError("only introspection tells whether a token is active")
        if self.token and self.endpoint not in {"/token", "/introspect"}:
            raise ValueError("tokens are issued at /token and described at /introspect")
        if self.endpoint == "/introspect" and (self.token in {"wrong-key", "wrong-typ"} or self.of == "id"):
            raise ValueError("introspection tells of access tokens, and neither of their key nor of their typ")
        return self


@operation("GET", "/faults")
def every(provider: Provider) -> list[ArmedFault]:
    """Every fault since the last reset, with how many answers it still waits for."""
    with provider.store.reading() as connection:
        return [ArmedFault(**row) for row in connection.execute(sa.select(_faults).order_by(_faults.c.id)).mappings()]


@operation("POST", "/faults")
def arm(provider: Provider, body: Fault) -> ArmedFault:
    """Arm a fault."""
    does = body.model_dump(exclude={"endpoint", "times"}, exclude_defaults=True)
    row = {"endpoint": body.endpoint, "times": body.times, "remaining": body.times, "does": does}
    with provider.store.writing() as connection:
        made = connection.execute(_faults.insert().values(row)).inserted_primary_key
        state.put(connection, "faults", 1)
    return ArmedFault(id=made[0] if made else 0, **row)  # type: ignore[arg-type]  # as in the row


@operation("DELETE", "/faults")
def clear(provider: Provider) -> list[ArmedFault]:
    """Disarm them all."""
    with provider.store.writing() as connection:
        reset(connection)
    return []


def reset(connection: sa.Connection) -> None:
    """Disarm them all, and forget them."""
    connection.execute(_faults.delete())
    state.put(connection, "faults", 0)


def begin(store: Store) -> flask.Response | None:
    """Take the fault that waits for this request, if one does, and do what comes first: `delay`, `status`."""
    taken = _take(store, flask.request.path)
    if taken is None:
        return None
    number, fault = taken
    flask.g.fault = fault
    flask.g.fault_id = number
    audit.note(fault=number)
    time.sleep(fault.delay)
    if fault.status is None:
        return None
    error = "temporarily_unavailable" if fault.status == 503 else "server_error"
    response = flask.jsonify(error=error if fault.status >= 500 else "invalid_request")
    response.status_code = fault.status
    return response


def sign(ring: keys.Ring, claims: dict[str, Any], algorithm: str, typ: str) -> str:
    """`claims` signed with `ring`; wrongly, if a fault says so for tokens of this kind."""
    fault = _of_this_request()
    if fault is None or fault.token is None or typ != {"access": "at+jwt", "id": "JWT"}[fault.of]:
        return ring.sign(claims, algorithm, typ)
    if fault.token == "wrong-typ":
        return ring.sign(claims, algorithm, OTHER_TYP[typ])
    if fault.token == "wrong-key":  # under the name of the right one
        return jwt.encode(ring.header(algorithm, typ), claims, _stranger(algorithm), [algorithm])
    return ring.sign(claims | _wrong(fault.token, claims), algorithm, typ)


def end(response: flask.Response) -> flask.Response:
    """Damage the answer, if a fault says so."""
    fault = _of_this_request()
    if fault is None:
        return response
    if fault.endpoint == "/introspect" and response.is_json:
        response.set_data(json.dumps(_told(fault, response.get_json())))
    if fault.answer == "html":
        response.set_data("<!doctype html><title>Bad Gateway</title><h1>Bad Gateway</h1>")
        response.mimetype = "text/html"
    elif fault.answer == "malformed":
        response.set_data(response.get_data()[: max(1, response.content_length or 0) // 2])
    elif fault.answer == "oversized":
        response.set_data(response.get_data() + b" " * OVERSIZED)  # JSON still, so only its size can be refused
    elif fault.answer == "dropped":
        response.response = _half(response.get_data(), flask.request.environ.get("gunicorn.socket"))
    return response


def _take(store: Store, endpoint: str) -> tuple[int, Fault] | None:
    """The first fault that waits for `endpoint`; one answer less waits for it now, whoever asks at the same time."""
    waiting = _faults.c.remaining > 0
    here = sa.select(_faults).where(waiting, _faults.c.endpoint == endpoint).order_by(_faults.c.id).limit(1)
    with store.reading() as connection:
        if connection.execute(here).one_or_none() is None:
            return None
    with store.writing() as connection:
        row = connection.execute(here.with_for_update()).one_or_none()
        if row is None:
            return None
        taken = _faults.update().where(_faults.c.id == row.id).values(remaining=_faults.c.remaining - 1)
        connection.execute(taken)
        if not connection.execute(sa.select(sa.func.count()).where(waiting)).scalar_one():
            state.put(connection, "faults", 0)
    return row.id, Fault(endpoint=row.endpoint, **row.does)


def _of_this_request() -> Fault | None:
    found: Fault | None = flask.g.get("fault") if flask.has_request_context() else None
    return found


def _wrong(how: str, claims: dict[str, Any]) -> dict[str, Any]:
    """The claims that are wrong, and only they."""
    if how == "wrong-issuer":
        return {"iss": ELSEWHERE}
    if how == "wrong-audience":
        return {"aud": [ELSEWHERE] if isinstance(claims["aud"], list) else ELSEWHERE}
    return {"iat": claims["iat"] - LONG_AGO, "exp": claims["iat"] - LONG_AGO + 300}


def _told(fault: Fault, answer: dict[str, Any]) -> dict[str, Any]:
    """What introspection tells, spoilt."""
    if fault.token and answer.get("active"):
        answer |= _wrong(fault.token, answer)
    if fault.answer == "active-as-text" and "active" in answer:
        answer["active"] = str(answer["active"]).lower()  # "false" is true to whoever does not look at the type
    return answer


def _half(whole: bytes, connection: Any) -> Iterator[bytes]:
    """The first half of an answer that was announced as `whole`; then the line is dead."""
    yield whole[: len(whole) // 2]
    if connection is not None:
        socket.socket.shutdown(connection, socket.SHUT_RDWR)  # not SSLSocket's own, which would say goodbye


@functools.cache
def _stranger(algorithm: str) -> ECKey | RSAKey:
    """A key that was never published."""
    return key_files.new(algorithm)
