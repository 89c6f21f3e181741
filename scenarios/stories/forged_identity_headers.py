"""Mallory says that she is alice, in a header, and shows no credential.

Proxies tell the servers behind them who has logged in by headers such as these, and a server that believes them from
anybody has no door at all.  She tries every name that she knows, doubled, misspelt, and listed as hop-by-hop.
"""

from scenarios.families import together
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "from outside"
REASON = "the front door reads a credential and nothing else; what says who somebody is, it writes itself"
EXPECTED = {
    "perimeter": Expect(Verdict.UNAUTHENTICATED, REASON + ": behind it the same header is believed"),
    "basic": Expect(Verdict.UNAUTHENTICATED, REASON),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, REASON + ": behind it the header counts beside a caller's password"),
    "mtls": Expect(Verdict.UNAUTHENTICATED, REASON + ": behind it the header counts beside a caller's certificate"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, REASON),
    "jwt": Expect(Verdict.UNAUTHENTICATED, REASON),
    "zerotrust": Expect(Verdict.UNAUTHENTICATED, REASON),
}
REFERENCES = ("OWASP ASVS 4.1.3", "RFC 9700 §4.13", "RFC 9110 §7.6.1", "RFC 9440 §4", "CWE-290")
CATALOGUE = ("PER-01", "MTLS-19")
XFCC = "By=spiffe://shop.test/orders;URI=spiffe://shop.test/gateway"
SPELLINGS: dict[str, list[tuple[str, str]]] = {
    "X-User": [("X-User", "alice")],
    "x-user": [("x-user", "alice")],
    "X_User": [("X_User", "alice")],
    "HTTP_X_USER": [("HTTP_X_USER", "alice")],
    "X-User twice": [("X-User", "alice"), ("X-User", "alice")],
    "X-User and x-user": [("X-User", "mallory"), ("x-user", "alice")],
    "X-User listed in Connection": [("Connection", "close, X-User"), ("X-User", "alice")],
    "Authorization listed in Connection": [("Connection", "close, Authorization"), ("X-User", "alice")],
    "X-Forwarded-User": [("X-Forwarded-User", "alice")],
    "X-Forwarded-Preferred-Username": [("X-Forwarded-Preferred-Username", "alice")],
    "X-Forwarded-Email": [("X-Forwarded-Email", "alice@shop.test")],
    "X-Forwarded-Access-Token": [("X-Forwarded-Access-Token", "alice")],
    "X-Forwarded-Authorization": [("X-Forwarded-Authorization", "Basic YWxpY2U6eA==")],
    "Remote-User": [("Remote-User", "alice")],
    "REMOTE_USER": [("REMOTE_USER", "alice")],
    "X-Remote-User": [("X-Remote-User", "alice")],
    "X-Authenticated-User": [("X-Authenticated-User", "alice")],
    "X-Authenticated-Userid": [("X-Authenticated-Userid", "alice")],
    "X-Auth-Request-User": [("X-Auth-Request-User", "alice")],
    "X-WEBAUTH-USER": [("X-WEBAUTH-USER", "alice")],
    "X-Consumer-Username": [("X-Consumer-Username", "alice")],
    "X-Goog-Authenticated-User-Email": [("X-Goog-Authenticated-User-Email", "accounts.google.com:alice@shop.test")],
    "X-SSL-Client-CN": [("X-SSL-Client-CN", "gateway")],
    "X-SSL-Client-S-DN": [("X-SSL-Client-S-DN", "CN=gateway"), ("X-SSL-Client-Verify", "SUCCESS")],
    "SSL_CLIENT_VERIFY": [("SSL_CLIENT_VERIFY", "SUCCESS"), ("SSL_CLIENT_S_DN_CN", "gateway")],
    "X-Client-Cert": [("X-Client-Cert", "-----BEGIN CERTIFICATE-----")],
    "X-Forwarded-Client-Cert": [("X-Forwarded-Client-Cert", XFCC), ("X-User", "alice")],
    "Client-Cert": [("Client-Cert", ":MIIB:"), ("X-User", "alice")],
    "X-Forwarded-For loopback": [("X-Forwarded-For", "127.0.0.1"), ("X-User", "alice")],
    "Forwarded by the gateway": [("Forwarded", "for=127.0.0.1;by=gateway;proto=https"), ("X-User", "alice")],
}


def attempts(world: World) -> dict[str, Answer]:
    """Each spelling alone, and nothing beside it."""
    asked = [{"method": "GET", "path": "/api/me", "headers": forged} for forged in SPELLINGS.values()]
    return dict(zip(SPELLINGS, world.outside_many(asked), strict=True))


CASES = together(SPELLINGS, attempts)
