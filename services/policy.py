"""Who may do what: the one authorization table of the shop.

Each operation names the scope that a *proven* person needs and the callers that are granted it.  A pattern proves the
person, or the caller, or both, or nobody; whatever is proven must pass, and the audit line says what that rests on.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.identity import Forbidden, Identity

CUSTOMER = frozenset({"items:read", "orders:read", "orders:write"})
SUPPORT = CUSTOMER | {"orders:read:any", "orders:refund"}


@dataclass(frozen=True)
class Rule:
    """What it takes to do one thing."""

    scope: str
    """What a person must be allowed, wherever somebody proves who they are."""
    callers: frozenset[str]
    """The services that may ask for it, wherever they prove who they are."""


def _rule(scope: str, *callers: str) -> Rule:
    return Rule(scope, frozenset(callers))


POLICY = {
    # operation          a proven person needs    a proven caller is one of
    "items:read":        _rule("items:read",      "gateway"),
    "orders:read":       _rule("orders:read",     "gateway"),
    "orders:read:any":   _rule("orders:read:any", "gateway"),
    "orders:write":      _rule("orders:write",    "gateway"),
    "orders:refund":     _rule("orders:refund",   "gateway"),
    "stock:reserve":     _rule("orders:write",    "orders"),
    "charges:read":      _rule("orders:read"),  # no service asks for it
    "charges:read:any":  _rule("orders:read:any", "orders"),
    "charges:write":     _rule("orders:write",    "orders"),
    "charges:refund":    _rule("orders:refund",   "orders"),
}  # fmt: skip


def authorize(identity: Identity, operation: str) -> str:
    """Let `identity` do `operation`, saying what that rests on, or raise `Forbidden`."""
    rule = POLICY[operation]
    grounds = []
    if identity.caller_proven:
        if identity.caller not in rule.callers:
            raise Forbidden(f"{identity.caller} is not granted {operation}")
        grounds.append(f"grant of {identity.caller}")
    if identity.user_proven:
        if rule.scope not in identity.scopes:
            raise Forbidden(f"{operation} needs {rule.scope}", error="insufficient_scope", scope=rule.scope)
        grounds.append(f"scope {rule.scope}")
    return " and ".join(grounds) or "nothing: nobody is proven"


def allows(identity: Identity, operation: str) -> bool:
    """Whether `identity` may do `operation`, for choosing what to show; deciding is `authorize`'s work."""
    try:
        authorize(identity, operation)
    except Forbidden:
        return False
    return True


def person(identity: Identity) -> str:
    """The person behind the request, or `Forbidden`: some things nobody does but a person."""
    if identity.user is None:
        raise Forbidden("this takes a person, and the caller acts for nobody")
    return identity.user


def may_see(identity: Identity, owner: str, operation: str) -> bool:
    """Whether `identity` may see what belongs to `owner`: their own, or anybody's with `operation`.

    Where the person is only asserted, this falls back on the caller's grants: a service cannot check more than it can
    know, and the gateway has checked the person at the edge.
    """
    return identity.user == owner or allows(identity, operation)
