"""Clients that others wrote, against our identity provider: two of them certified, none of them told how we do it."""

from __future__ import annotations

import base64
import functools
import os
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.idp_support import ACCESS_TOKEN, AFTER_LOGOUT, EXCHANGE, claims_of, header_of, secret_of
from tests.strangers import apache, node, python
from tests.strangers.apache import Apache, Visit
from tests.strangers.issuer import API, CONFIDENTIAL, REGISTERED, SCOPE, Found, Issuer, running

Stranger = Callable[..., dict[str, Found]]
STRANGERS: dict[str, Stranger] = {
    "openid-client": functools.partial(node.run, "openid_client.mjs"),
    "oauth4webapi": functools.partial(node.run, "oauth4webapi.mjs"),
    "Authlib": python.authlib,
    "requests-oauthlib": python.oauthlib,
}
SELF_CONTAINED = [name for name, client in REGISTERED.items() if client["token_format"] == "jwt"]
OF_NODE = ("openid-client", "oauth4webapi")


def wanted(trouble: str | None) -> None:
    """Skip what cannot be had here; in CI that is a failure, or an untested client would pass for a tested one."""
    if trouble:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(trouble)


@pytest.fixture(scope="module")
def server() -> Apache:
    """Apache, before it runs."""
    return Apache()


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory, server: Apache) -> Iterator[Issuer]:
    with running(tmp_path_factory, *server.registrations()) as issuer:
        yield issuer


@pytest.fixture(scope="module", params=[apache.OPAQUE, apache.SIGNED])
def site(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def own(issuer: Issuer) -> dict[str, Any]:
    """The token that edge gets for itself."""
    with python.service(issuer, "edge") as edge:
        asked = {"grant_type": "client_credentials", "resource": "spiffe://shop.test/edge"}
        return dict(edge.fetch_token(f"{issuer.issuer}/token", **asked))


@pytest.fixture(scope="module")
def exchanged(issuer: Issuer, own: dict[str, Any]) -> dict[str, Any]:
    """What edge gets for it, to show to orders."""
    asked = {"grant_type": EXCHANGE, "subject_token": own["access_token"], "subject_token_type": ACCESS_TOKEN}
    with python.service(issuer, "edge") as edge:
        return dict(edge.fetch_token(f"{issuer.issuer}/token", **asked, resource="spiffe://shop.test/orders"))


@pytest.fixture(scope="module")
def visits(server: Apache, issuer: Issuer) -> dict[str, Visit]:
    """What came of a visit to each site of Apache's."""
    wanted(apache.trouble())
    with server.running(issuer):
        return {name: server.visit(name, issuer) for name in server.origins}


@pytest.fixture
def visit(visits: dict[str, Visit], site: str) -> Visit:
    return visits[site]


@pytest.fixture(scope="module")
def reports() -> dict[str, dict[str, Found] | str]:
    """What each stranger has found, as each client, or why it came to nothing; who was not asked yet is not in it."""
    return {}


@pytest.fixture(params=STRANGERS)
def stranger(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name in OF_NODE:
        wanted(node.trouble())
    return name


@pytest.fixture(params=REGISTERED)
def client(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def found(issuer: Issuer, reports: dict[str, dict[str, Found] | str], stranger: str, client: str) -> Found:
    if stranger not in reports:
        try:
            reports[stranger] = STRANGERS[stranger](issuer, *REGISTERED)
        except Exception:  # asked once, and told to every test that wants to know
            reports[stranger] = traceback.format_exc()
    report = reports[stranger]
    if isinstance(report, str):
        pytest.fail(report, pytrace=False)
    return report[client]


class TestRelyingParty:
    """Discovery, a code, tokens, and the way out: what each client found, having checked it in its own way."""

    def test_it_knows_who_logged_in(self, issuer: Issuer, found: Found, client: str) -> None:
        claims = found["claims"]
        assert (claims["iss"], claims["aud"], claims["sub"]) == (issuer.issuer, client, "alice")
        assert {"auth_time", "nonce", "at_hash", "iat", "exp"} <= claims.keys()

    def test_the_id_token_is_signed_as_the_client_is_registered(self, found: Found, client: str) -> None:
        assert header_of(found["id_token"])["alg"] == REGISTERED[client]["signing_alg"]

    def test_the_access_token_is_of_the_kind_the_client_is_registered_for(self, found: Found, client: str) -> None:
        token, registered = found["access_token"], REGISTERED[client]
        assert (token.count(".") == 2) == (registered["token_format"] == "jwt")
        if registered["token_format"] == "jwt":
            assert header_of(token)["alg"] == registered["signing_alg"]
            assert header_of(token)["typ"] == "at+jwt"
            assert claims_of(token)["aud"] == [API]

    def test_it_learns_what_its_scopes_open(self, found: Found) -> None:
        assert found["scope"] == SCOPE
        assert found["userinfo"] == {
            "sub": "alice",
            "name": "Alice",
            "preferred_username": "alice",
            "email": "alice@shop.test",
        }

    def test_it_refreshes(self, found: Found) -> None:
        assert found["refreshed"] != found["access_token"]

    def test_what_it_revokes_is_dead(self, found: Found) -> None:
        assert found["revoked"] == {"active": False}

    def test_it_ends_the_session_and_with_it_what_was_allowed(self, found: Found) -> None:
        assert found["ended"] == f"{AFTER_LOGOUT}?state=bye"
        assert found["after"] == "invalid_grant"


class TestResourceServer:
    """Asking about a token (RFC 7662): the resource server is told, everybody else is not."""

    def test_it_is_told_what_the_token_means(self, issuer: Issuer, found: Found, client: str) -> None:
        told = found["introspected"]
        assert told["active"] is True
        assert (told["iss"], told["sub"], told["client_id"], told["aud"]) == (issuer.issuer, "alice", client, [API])
        assert told["scope"] == SCOPE
        assert told["auth_time"] == found["claims"]["auth_time"]

    @pytest.mark.parametrize("stranger", ["oauth4webapi"], indirect=True)
    @pytest.mark.parametrize("client", SELF_CONTAINED, indirect=True)
    def test_it_can_tell_by_itself_what_a_signed_token_means(self, issuer: Issuer, found: Found, client: str) -> None:
        validated = found["validated"]
        assert isinstance(validated, dict)
        assert (validated["iss"], validated["sub"], validated["client_id"]) == (issuer.issuer, "alice", client)

    def test_the_client_itself_is_told_nothing(self, found: Found, client: str) -> None:
        confidential = client in {each["client_id"] for each in CONFIDENTIAL}
        assert found["asked_by_the_client"] == ({"active": False} if confidential else None)


class TestService:
    """Authlib's client with a certificate: bound, exchanged and narrowed (RFC 8705, RFC 8693, RFC 8707)."""

    def test_its_token_is_bound_to_its_certificate(self, issuer: Issuer, own: dict[str, Any]) -> None:
        claims = claims_of(own["access_token"])
        leaf = x509.load_pem_x509_certificate((issuer.directory / "edge/tls/leaf.pem").read_bytes())
        digest = base64.urlsafe_b64encode(leaf.fingerprint(hashes.SHA256())).rstrip(b"=").decode()
        assert (claims["sub"], claims["aud"], claims["cnf"]) == ("edge", ["edge"], {"x5t#S256": digest})

    def test_the_exchanged_token_is_for_the_next_service_and_names_the_actor(
        self, issuer: Issuer, exchanged: dict[str, Any]
    ) -> None:
        assert exchanged["issued_token_type"] == ACCESS_TOKEN
        with python.service(issuer, "orders") as orders:
            told = orders.introspect_token(f"{issuer.issuer}/introspect", exchanged["access_token"]).json()
        assert (told["active"], told["aud"], told["act"]) == (True, ["orders"], {"sub": "edge"})

    def test_who_does_not_show_the_certificate_is_refused(self, issuer: Issuer) -> None:
        with python.service(issuer, "edge") as edge:
            edge.cert = None
            with pytest.raises(edge.oauth_error_class, match="invalid_client"):
                edge.fetch_token(f"{issuer.issuer}/token", grant_type="client_credentials")


class TestApache:
    """`mod_auth_openidc` at both ends of a token: it gets one for a person, and lets in who bears it."""

    def test_a_person_logs_in(self, issuer: Issuer, visit: Visit, site: str) -> None:
        assert visit.page == (200, "the page\n", f"alice@{issuer.issuer.removeprefix('https://')}")
        claims = visit.knows["id_token"]
        assert (claims["iss"], claims["aud"], claims["sub"]) == (issuer.issuer, site, "alice")
        assert visit.knows["userinfo"]["email"] == "alice@shop.test"

    def test_it_refreshes(self, visit: Visit) -> None:
        status, page, knows = visit.refreshed
        assert (status, page) == (200, "the page\n")
        assert knows["access_token"] != visit.knows["access_token"]
        assert knows["refresh_token"] != visit.knows["refresh_token"]

    def test_who_bears_the_token_is_let_in(self, visit: Visit) -> None:
        status, page, user = visit.borne
        assert (status, page) == (200, "the api\n")
        assert user is not None
        assert user.partition("@")[0] == "alice"
        assert visit.unborne == 401

    def test_a_revoked_token_is_refused_by_who_asks_and_served_by_who_does_not(self, visit: Visit, site: str) -> None:
        assert visit.revoked == (401 if site == apache.OPAQUE else 200)

    def test_the_log_out_leads_back_and_ends_what_was_allowed(self, issuer: Issuer, visit: Visit, site: str) -> None:
        assert visit.goodbye == ("the goodbye\n", 401)
        form = {"grant_type": "refresh_token", "refresh_token": visit.refreshed[2]["refresh_token"]}
        refused = issuer.send("POST", "/token", data=form, auth=(site, secret_of(site)))
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("stranger", ["oauth4webapi"], indirect=True)
def test_both_addresses_of_the_metadata_say_the_same(found: Found) -> None:
    assert found["discovered_alike"]
