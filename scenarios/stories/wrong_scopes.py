"""Mallory shows a genuine token whose scopes resemble the one that is needed.

The token says who she is, and that is believed.  It does not say `orders:read`: it says something longer, something
shorter, says it in capitals, or says under another name that she may do everything.
"""

from typing import Any

from scenarios.forge import Recipe, claiming, tokens
from scenarios.verdict import Expect, Verdict

GROUP = "forged tokens"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside nobody reads a token: to say that one is carol is enough"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: carol's own password is"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: a calling service's password is"),
    "mtls": Expect(Verdict.REFUSED, "a token opens no connection: a certificate does"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "to the identity provider it is just a string that it never issued"),
    "jwt": Expect(Verdict.FORBIDDEN, "scopes are compared whole, and no other claim grants anything"),
    "zerotrust": Expect(Verdict.FORBIDDEN, "scopes are compared whole, and no other claim grants anything"),
}
REFERENCES = ("RFC 6749 §3.3", "RFC 6750 §3.1", "OWASP ASVS 10.3.2, 15.3.3", "OWASP API3:2023")
CATALOGUE = ("JWT-24", "JWT-27", "BRR-09")

SCOPES = (
    *(
        "xorders:readx",
        "orders:readx",
        "xorders:read",
        "orders",
        "orders:",
        ":read",
        "orders:*",
        "*",
        "orders:read:any",
    ),
    *("ORDERS:READ", "Orders:Read", "orders:read,orders:write", "orders:read;orders:write", "orders:read+orders:write"),
    *("orders%3Aread", "orders:write", "openid", "admin", "orders.read", "order:read orders:rea"),
)
GRANTS: dict[str, dict[str, Any]] = {
    "admin": {"admin": True},
    "is_admin": {"is_admin": 1},
    "roles": {"roles": ["admin", "support"]},
    "groups": {"groups": ["support"]},
    "scp": {"scp": "orders:read"},
    "scopes": {"scopes": ["orders:read"]},
    "Scope": {"Scope": "orders:read"},
    "permissions": {"permissions": ["orders:read"]},
    "authorities": {"authorities": ["ROLE_ADMIN", "SCOPE_orders:read"]},
    "realm_access": {"realm_access": {"roles": ["admin"]}},
    "entitlements": {"entitlements": ["orders:read"]},
    "may_act": {"may_act": {"sub": "mallory"}},
    "everything": {"admin": True, "role": "root", "superuser": True, "user": "carol"},
}
RECIPES: dict[str, Recipe] = {f"scope {scope}": claiming(scope=scope, sub="mallory") for scope in SCOPES}
RECIPES |= {"no scope": claiming(scope=..., sub="mallory"), "empty": claiming(scope="")}
RECIPES |= {f"granted by {name}": claiming(scope="items:read", sub="mallory", **more) for name, more in GRANTS.items()}
CASES = tokens(RECIPES, scope="orders:read")
