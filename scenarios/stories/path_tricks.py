"""Mallory writes the same path in other ways, and shows no credential.

Somebody guards `/api/` and somebody else serves it: where the two read a path differently, one spelling gets past the
guard and still reaches what it guards.  Doubled slashes, dots, percent-encodings, and headers by which a proxy tells
what path was really meant.  Here guard and router read one and the same decoded path, and no header has a say.
"""

from scenarios.doorstep import at_the_door, host, sent
from scenarios.families import together
from scenarios.registry import Attempt
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "from outside"
SAME = Expect(Verdict.UNAUTHENTICATED, "the guard stands before every view at the edge, whatever the path is called")
PATTERNS = ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
EXPECTED = dict.fromkeys(PATTERNS, SAME)
REFERENCES = ("RFC 3986 §6.2.2", "RFC 9112 §3.2.2", "CWE-22", "CWE-288", "OWASP ASVS 8.3.1")
CATALOGUE = ("PER-05", "PER-07", "PER-10")
PATHS = (
    "//api/orders",
    "///api/orders",
    "/api//orders",
    "/./api/orders",
    "/api/./orders",
    "/healthz/../api/orders",
    "/healthz/%2e%2e/api/orders",
    "/healthz/..%2fapi/orders",
    "/healthz/..;/api/orders",
    "/healthz;/api/orders",
    "/;/api/orders",
    "/api/orders;x=y",
    "/api/orders;.css",
    "/api/orders.json",
    "/api/orders/",
    "/api/orders%00",
    "/api/orders%20",
    "/api/orders%0a",
    "/api/orders%3fx",
    "/api/orders%23x",
    "/api%2forders",
    "/%61pi/orders",
    "/api/ord%65rs",
    "/api/%6frders",
    "/%2561pi/orders",
    "/api/%252e%252e/api/orders",
    "/api%5corders",
    "/API/orders",
    "/Api/Orders",
    "/api/orders?/healthz",
    "/api/orders?path=/healthz",
    "/healthz/",
    "/readyz/api/orders",
    "/static/../api/orders",
    "/favicon.ico/..%2fapi/orders",
    "/orders",
)
HEADERS = (
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Original-URI",
    "X-Forwarded-Uri",
    "X-Forwarded-Path",
    "X-Forwarded-Prefix",
    "X-Script-Name",
    "X-Override-URL",
    "X-HTTP-DestinationURL",
    "X-Custom-IP-Authorization",
    "SCRIPT_NAME",
    "SCRIPT-NAME",
    "PATH_INFO",
    "PATH-INFO",
    "REQUEST_URI",
    "wsgi.url_scheme",
    "X-Forwarded-Host",
)
RENAMED = {f"{name}: /healthz": (name, "/healthz") for name in HEADERS}
RENAMED |= {f"{name}: /api": (name, "/api") for name in ("SCRIPT_NAME", "SCRIPT-NAME")}


def spelt(world: World) -> dict[str, Answer]:
    """The guarded path, written in other ways."""
    came = world.outside_many([{"method": "GET", "path": spelling} for spelling in PATHS])
    return dict(zip(PATHS, map(at_the_door, came), strict=True))


def renamed(world: World) -> dict[str, Answer]:
    """The guarded path, and a header that says it is another one, which is open to all."""
    headers = [[(name, says)] for name, says in RENAMED.values()]
    came = world.outside_many([{"method": "GET", "path": "/api/orders", "headers": each} for each in headers])
    return dict(zip(RENAMED, came, strict=True))


def target(form: str) -> Attempt:
    """A request whose target is no path (RFC 9112 §3.2)."""

    def attempt(world: World) -> Answer:
        name = host(world)
        line = f"GET {form.format(host=name)} HTTP/1.1"
        return at_the_door(sent(world, f"{line}\r\nHost: {name}\r\nConnection: close\r\n\r\n"))

    return attempt


CASES = (
    together(PATHS, spelt)
    | together(RENAMED, renamed)
    | {
        "absolute-form": target("https://{host}/api/orders"),
        "absolute-form with a user": target("https://alice:wonderland@{host}/api/orders"),
        "absolute-form, two slashes": target("https://{host}//api/orders"),
        "a fragment in the target": target("/api/orders#/healthz"),
    }
)
