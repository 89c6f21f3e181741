"""Request bodies, read strictly: JSON of a known shape, or a problem document that does not echo the input.

415 for another media type, 400 for what is not JSON, 422 for JSON that breaks the rules (RFC 9110 §15.5).
"""

from __future__ import annotations

import hashlib
from typing import Annotated, TypeVar

import flask
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services import strict_json
from services.problems import Problem

Sku = Annotated[str, Field(pattern=r"\A[a-z][a-z0-9-]{0,31}\z")]
Quantity = Annotated[int, Field(ge=1, le=100)]
Reference = Annotated[str, Field(pattern=r"\A[0-9a-f]{32}\z")]
Cents = Annotated[int, Field(ge=1, le=100_000_000)]


class Body(BaseModel):
    """A JSON object with exactly these members, each of exactly this type."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class NewOrder(Body):
    """What a person wants."""

    sku: Sku
    quantity: Quantity


class NewReservation(Body):
    """Goods set aside for an order."""

    order: Reference
    sku: Sku
    quantity: Quantity


class NewCharge(Body):
    """Money taken for an order, in cents."""

    order: Reference
    amount: Cents


AnyBody = TypeVar("AnyBody", bound=Body)


def read(model: type[AnyBody]) -> AnyBody:
    """The body of the current request as a `model`; raises `Problem`."""
    if flask.request.mimetype != "application/json" or flask.request.content_encoding:
        raise Problem(415, "Unsupported Media Type", "send application/json, not compressed")
    try:
        found = strict_json.loads(flask.request.get_data())
    except ValueError:
        raise Problem(400, "Bad Request", "the body is not JSON, or has a member twice") from None
    try:
        return model.model_validate(found)
    except ValidationError as error:
        errors = [
            {"member": ".".join(map(str, e["loc"])), "problem": e["msg"]}
            for e in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        raise Problem(422, "Unprocessable Content", "the body breaks the rules", errors=errors) from None


def idempotency_key() -> str:
    """The request's Idempotency-Key: without one, a lost answer could mean a second order."""
    return checked_key(flask.request.headers.get("Idempotency-Key", ""))


def checked_key(key: str) -> str:
    """`key`, if it can be an Idempotency-Key; raises `Problem`."""
    if not (1 <= len(key) <= 128 and key.isascii() and key.isprintable() and key == key.strip()):
        raise Problem(400, "Bad Request", "send an Idempotency-Key of 1 to 128 printable ASCII characters")
    return key


def fingerprint(body: Body) -> str:
    """What tells two bodies apart, whatever their spelling."""
    return hashlib.sha256(body.model_dump_json().encode()).hexdigest()
