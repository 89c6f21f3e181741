"""Mallory uses methods that nobody has thought of.

A rule for GET and POST says nothing about BREW.  She asks for TRACE, which would read her headers back to whatever
script sent them; for methods that the paths do not have, in her own spelling; and for one method while a header says
that another is meant.  Each view knows its methods, and 405 says which.
"""

from scenarios.doorstep import host, sent
from scenarios.levers import insist
from scenarios.registry import Attempt
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "from outside"
REASON = "each path knows its methods (405), a method is a token in its one spelling (400), and no header changes it"
PATTERNS = ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
EXPECTED = dict.fromkeys(PATTERNS, Expect(Verdict.INVALID, REASON))
REFERENCES = ("RFC 9110 §9.1", "RFC 9110 §15.5.6", "RFC 9110 §9.3.8", "OWASP ASVS 13.4.4", "CWE-650")
CATALOGUE = ("PER-08",)
ORDER = "0" * 31 + "1"
UNKNOWN = (
    "TRACE",
    "TRACK",
    "DEBUG",
    "PUT",
    "PATCH",
    "DELETE",
    "PROPFIND",
    "MKCOL",
    "SEARCH",
    "PURGE",
    "BREW",
    "CONNECT",
)
MISSPELT = ("get", "Get", "post", "GET\x01", "GET\xe9", "GET,POST", "GET POST", "G", "GET" * 40)
OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X_HTTP_METHOD_OVERRIDE")


def method(name: str, path: str = "/api/orders") -> Attempt:
    """A method, as a case of the family."""

    def attempt(world: World) -> Answer:
        shown = "".join(f"{name}: {value}\r\n" for name, value in world.credential_of("mallory").items())
        answer = sent(world, f"{name} {path} HTTP/1.1\r\nHost: {host(world)}\r\nConnection: close\r\n{shown}\r\n")
        insist(answer.status != 405 or "allow" in answer.headers, "a 405 without Allow (RFC 9110 §15.5.6)")
        insist("authorization" not in answer.body.lower(), "the answer reads the request back")
        return answer

    return attempt


def override(header: str, sent_as: str, meant: str, path: str) -> Attempt:
    """One method on the request line, which the path has not, and in a header one that it has."""

    def attempt(world: World) -> Answer:
        return world.outside(sent_as, path, {**world.credential_of("mallory"), header: meant})

    return attempt


CASES = (
    {name: method(name) for name in UNKNOWN}
    | {f"misspelt: {name[:12]!r}": method(name) for name in MISSPELT}
    | {f"{header}: GET": override(header, "POST", "GET", "/api/me") for header in OVERRIDES}
    | {f"{header}: POST": override(header, "GET", "POST", f"/api/orders/{ORDER}/refund") for header in OVERRIDES}
    | {"_method in the query": override("Accept", "POST", "*/*", "/api/me?_method=GET")}
)
