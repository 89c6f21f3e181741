"""Mallory does not say which host she means, or says it twice, or means another.

One of several proxies might take the first Host and the next the last; whoever builds a link from it sends people to
hers.  So a request that does not name exactly one host is no request (400), and one that names another's is in the
wrong place (421).  She shows her own good credential: it is not that which is wrong.
"""

from scenarios.doorstep import sent
from scenarios.registry import Attempt
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "from outside"
REASON = "whoever sends it: a request names one host, and one of the shop's (400, 421)"
PATTERNS = ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
EXPECTED = dict.fromkeys(PATTERNS, Expect(Verdict.INVALID, REASON))
REFERENCES = ("RFC 9112 §3.2", "RFC 9110 §7.2", "RFC 9110 §7.4", "OWASP ASVS 4.1.3", "CWE-644")
CATALOGUE = ("PER-07",)


def hosts(*lines: str) -> Attempt:
    """Host lines, as a case of the family."""

    def attempt(world: World) -> Answer:
        shown = [f"{name}: {value}" for name, value in world.credential_of("mallory").items()]
        head = ["GET /api/me HTTP/1.1", *lines, *shown, "Connection: close"]
        return sent(world, "\r\n".join(head) + "\r\n\r\n")

    return attempt


CASES = {
    "none": hosts(),
    "empty": hosts("Host:"),
    "two, the same": hosts("Host: localhost", "Host: localhost"),
    "two, ours first": hosts("Host: localhost", "Host: evil.test"),
    "two, ours last": hosts("Host: evil.test", "Host: localhost"),
    "a list": hosts("Host: localhost, evil.test"),
    "another's": hosts("Host: evil.test"),
    "another's, and X-Forwarded-Host ours": hosts("Host: evil.test", "X-Forwarded-Host: localhost"),
    "an inner service's": hosts("Host: billing:8103"),
    "ours as a label of another's": hosts("Host: localhost.evil.test"),
    "ours as another's user": hosts("Host: localhost@evil.test"),
    "ours as another's password": hosts("Host: localhost:1234@evil.test"),
    "ours and a path": hosts("Host: localhost/evil.test"),
    "ours and a fragment": hosts("Host: localhost#evil.test"),
    "ours and no number for a port": hosts("Host: localhost:evil"),
    "ours and a port too large": hosts("Host: localhost:123456"),
    "ours and two ports": hosts("Host: localhost:1:2"),
    "ours with a dot": hosts("Host: localhost."),
    "ours in another notation": hosts("Host: 2130706433"),
    "ours in octal": hosts("Host: 0177.0.0.1"),
    "ours as IPv6 with a zone": hosts("Host: [::1%25lo]"),
    "ours with a space inside": hosts("Host: local host"),
    "folded": hosts("Host: localhost", " .evil.test"),
    "before the colon a space": hosts("Host : localhost"),
    "misspelt with an underscore": hosts("HTTP_HOST: localhost"),
    "not in ASCII": hosts("Host: l\xf6calhost"),
}
