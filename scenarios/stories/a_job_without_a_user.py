"""A nightly job of the gateway's reads the shelf, and acts for nobody.

No person is logged in at that hour.  All it has is what the gateway holds itself: a password, a certificate, a client
secret, or nothing.  It asks inventory for its items, the most harmless question there is.  Patterns that carry only
the user's credential along have no answer to this; those in which the service itself is somebody, have.
"""

import base64
from urllib.parse import urlencode

from scenarios.levers import insist
from scenarios.verdict import UNISSUED, Answer, Expect, Verdict
from scenarios.world import World

GROUP = "everyday"
NO_GRANT = "the gateway is a client, but not one that the identity provider issues tokens to for itself"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "nobody is asked, so nobody has to be somebody"),
    "basic": Expect(Verdict.UNISSUED, "only people have passwords, and no person is there"),
    "subsystem": Expect(Verdict.SERVED, "the gateway has a password of its own, and may read the shelf"),
    "mtls": Expect(Verdict.SERVED, "the gateway has a certificate of its own, and may read the shelf"),
    "oauth2": Expect(Verdict.UNISSUED, NO_GRANT),
    "jwt": Expect(Verdict.UNISSUED, NO_GRANT),
    "zerotrust": Expect(Verdict.UNISSUED, NO_GRANT + ", and its certificate alone is not enough"),
}
REFERENCES = ("RFC 6749 §4.4", "RFC 9068 §2.2", "RFC 8705 §2.1")
CATALOGUE = ()


def attempt(world: World) -> Answer:
    """Read the shelf from the gateway's place."""
    shown = (
        _token(world) if world.shop.pattern in {"oauth2", "jwt", "zerotrust"} else world.own_credential_of("gateway")
    )
    return UNISSUED if shown is None else world.breached("gateway", "inventory", "GET", "/items", shown)


def _token(world: World) -> dict[str, str] | None:
    """Ask the identity provider for a token of the gateway's own, as the client that it is (RFC 6749 §4.4.2)."""
    form = {"grant_type": "client_credentials", "client_id": "gateway", "scope": "items:read"}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    secret = world.secret_of("gateway", "client_secret")
    if secret:  # RFC 6749 §2.3.1; without a secret, the certificate that goes along authenticates (RFC 8705 §2.1)
        headers["Authorization"] = "Basic " + base64.b64encode(f"gateway:{secret}".encode()).decode()
        del form["client_id"]
    answer = world.breached("gateway", "idp", "POST", "/token", headers, urlencode(form))
    if answer.verdict is Verdict.SERVED:
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}
    # anything else would be our mistake, and no refusal of theirs
    insist(answer.json()["error"] == "unauthorized_client", f"the identity provider answers {answer.body}")
    return None
