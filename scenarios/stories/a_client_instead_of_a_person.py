"""Mallory shows a genuine token that a client got for itself, where a person is needed.

Its subject is the client.  A reader that takes every subject for a user would look up the orders of somebody called
`gateway`, or of a customer who chose that name.
"""

from scenarios.forge import Recipe, tokens
from scenarios.verdict import Expect, Verdict

GROUP = "forged tokens"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside nobody reads a token: to say that one is carol is enough"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: carol's own password is"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: a calling service's password is"),
    "mtls": Expect(Verdict.REFUSED, "a token opens no connection: a certificate does"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "to the identity provider it is just a string that it never issued"),
    "jwt": Expect(Verdict.FORBIDDEN, "a token whose subject is its client is about no person"),
    "zerotrust": Expect(Verdict.FORBIDDEN, "a token whose subject is its client is about no person"),
}
REFERENCES = ("RFC 9700 §4.15", "RFC 9068 §2.2, §5", "OWASP ASVS 10.3.3")
CATALOGUE = ("JWT-23", "OAS-35")

RECIPES: dict[str, Recipe] = {
    "its own orders": lambda mint: mint.token(sub=mint.claims()["client_id"]),
    "with a time of log-in": lambda mint: mint.token(sub=mint.claims()["client_id"], auth_time=1),
    "with a user name beside": lambda mint: mint.token(sub=mint.claims()["client_id"], username="carol", email="carol"),
}
CASES = tokens(RECIPES, doors=("orders",))
