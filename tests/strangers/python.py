"""The strangers that are written in Python: Authlib's OpenID Connect client, and requests-oauthlib.

The second knows nothing of OpenID Connect: what is asked about the log-in is asked of PyJWT, which is a stranger too.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt as pyjwt
import requests
import requests_oauthlib
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc8414 import get_well_known_url
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.jwk import KeySet
from oauthlib.oauth2 import OAuth2Error, WebApplicationClient
from requests.auth import HTTPBasicAuth

from tests.idp_support import CALLBACK
from tests.strangers.browser import TIMEOUT_SECONDS, Browser
from tests.strangers.issuer import Found, Issuer

MAX_AGE = 3600


def authlib(issuer: Issuer, *client_ids: str) -> dict[str, Found]:
    """What Authlib's client found as each of the clients."""
    told = issuer.told(*client_ids)
    return {client["client_id"]: _authlib(issuer, told, client) for client in told["clients"]}


def _authlib(issuer: Issuer, told: dict[str, Any], client: dict[str, Any]) -> Found:
    method = "client_secret_basic" if client["secret"] else "none"
    with (
        OAuth2Session(
            client["client_id"],
            client["secret"],
            token_endpoint_auth_method=method,
            revocation_endpoint_auth_method=method,
            scope=told["scope"],
            redirect_uri=client["redirect_uri"],
            code_challenge_method="S256",
            default_timeout=TIMEOUT_SECONDS,
        ) as session,
        OAuth2Session(told["api"]["client_id"], told["api"]["secret"], default_timeout=TIMEOUT_SECONDS) as api,
        issuer.browser() as browser,
    ):
        for each in (session, api):
            each.trust_env, each.verify = False, issuer.bundle
        found = session.get(get_well_known_url(issuer.issuer, external=True), withhold_token=True).json()
        server = OpenIDProviderMetadata(found)
        server.validate()

        verifier, nonce = generate_token(48), generate_token()
        front, state = session.create_authorization_url(
            server["authorization_endpoint"], code_verifier=verifier, nonce=nonce, max_age=MAX_AGE
        )
        answer = browser.visit(front, issuer.issuer)
        tokens = dict(
            session.fetch_token(
                server["token_endpoint"], authorization_response=answer, code_verifier=verifier, state=state
            )
        )
        keys = KeySet.import_key_set(session.get(server["jwks_uri"], withhold_token=True).json())
        signed = jwt.decode(tokens["id_token"], keys, [client["signing_alg"]])
        expected = {"nonce": nonce, "client_id": client["client_id"], "max_age": MAX_AGE}
        claims = CodeIDToken(
            signed.claims,
            signed.header,
            {"iss": {"values": [server["issuer"]]}},
            expected | {"access_token": tokens["access_token"]},
        )
        claims.validate()

        def introspect(by: OAuth2Session, token: str) -> Any:
            return by.introspect_token(server["introspection_endpoint"], token, "access_token").json()

        userinfo = session.get(server["userinfo_endpoint"]).json()
        introspected = introspect(api, tokens["access_token"])
        asked = introspect(session, tokens["access_token"]) if client["secret"] else None
        refreshed = dict(session.refresh_token(server["token_endpoint"]))
        session.revoke_token(server["revocation_endpoint"], refreshed["access_token"], "access_token")
        revoked = introspect(api, refreshed["access_token"])
        ended = _leave(browser, server["end_session_endpoint"], tokens["id_token"], told, issuer)
        try:
            after = dict(session.refresh_token(server["token_endpoint"]))["access_token"]
        except session.oauth_error_class as refusal:
            after = refusal.error
        return Found(
            claims=dict(claims),
            id_token=tokens["id_token"],
            access_token=tokens["access_token"],
            scope=tokens["scope"],
            userinfo=userinfo,
            introspected=introspected,
            asked_by_the_client=asked,
            refreshed=refreshed["access_token"],
            revoked=revoked,
            ended=ended,
            after=after,
        )


@contextmanager
def service(issuer: Issuer, name: str) -> Iterator[OAuth2Session]:
    """Authlib's client as a service that shows its certificate at each connection (RFC 8705 §2.1)."""
    tls = issuer.directory / name / "tls"
    # as `none` it says who it is, and nothing more: the proof is in the handshake
    with OAuth2Session(name, token_endpoint_auth_method="none", default_timeout=TIMEOUT_SECONDS) as session:
        session.trust_env, session.verify = False, issuer.bundle
        session.cert = str(tls / "leaf.pem"), str(tls / "key.pem")
        yield session


def oauthlib(issuer: Issuer, *client_ids: str) -> dict[str, Found]:
    """What requests-oauthlib found as each of the clients."""
    told = issuer.told(*client_ids)
    return {client["client_id"]: _oauthlib(issuer, told, client) for client in told["clients"]}


def _oauthlib(issuer: Issuer, told: dict[str, Any], client: dict[str, Any]) -> Found:
    proof = HTTPBasicAuth(client["client_id"], client["secret"]) if client["secret"] else None
    asking = {"client_id": client["client_id"]} if proof is None else {}
    elsewhere = CALLBACK  # it refuses every http address, loopback too, in spite of RFC 8252 §7.3
    with (
        requests_oauthlib.OAuth2Session(
            client["client_id"], scope=told["scope"].split(), redirect_uri=elsewhere, pkce="S256"
        ) as session,
        requests.Session() as plain,
        issuer.browser() as browser,
    ):
        for each in (session, plain):
            each.trust_env, each.verify = False, issuer.bundle
        server = plain.get(f"{issuer.issuer}/.well-known/openid-configuration", timeout=TIMEOUT_SECONDS).json()

        nonce = secrets.token_urlsafe()
        front, _ = session.authorization_url(server["authorization_endpoint"], nonce=nonce, max_age=MAX_AGE)
        answer = browser.visit(front, issuer.issuer)
        tokens = session.fetch_token(
            server["token_endpoint"], authorization_response=answer, auth=proof, include_client_id=proof is None
        )
        keys = pyjwt.PyJWKSet.from_dict(plain.get(server["jwks_uri"], timeout=TIMEOUT_SECONDS).json())
        claims = pyjwt.decode(
            tokens["id_token"],
            keys[pyjwt.get_unverified_header(tokens["id_token"])["kid"]],
            [client["signing_alg"]],
            audience=client["client_id"],
            issuer=issuer.issuer,
        )
        assert claims["nonce"] == nonce

        def post(endpoint: str, auth: Any, **form: Any) -> requests.Response:
            answer = plain.post(server[endpoint], data=form, auth=auth, timeout=TIMEOUT_SECONDS)
            answer.raise_for_status()
            return answer

        def introspect(auth: Any, token: str) -> Any:
            return post("introspection_endpoint", auth, token=token).json()

        api = HTTPBasicAuth(told["api"]["client_id"], told["api"]["secret"])
        userinfo = session.get(server["userinfo_endpoint"]).json()
        introspected = introspect(api, tokens["access_token"])
        asked = introspect(proof, tokens["access_token"]) if proof else None
        refreshed = session.refresh_token(server["token_endpoint"], auth=proof, **asking)
        url, headers, body = WebApplicationClient(client["client_id"]).prepare_token_revocation_request(
            server["revocation_endpoint"], refreshed["access_token"], **asking
        )
        plain.post(url, data=body, headers=headers, auth=proof, timeout=TIMEOUT_SECONDS).raise_for_status()
        revoked = introspect(api, refreshed["access_token"])
        ended = _leave(browser, server["end_session_endpoint"], tokens["id_token"], told, issuer)
        try:
            after = session.refresh_token(server["token_endpoint"], auth=proof, **asking)["access_token"]
        except OAuth2Error as refusal:
            after = refusal.error
        return Found(
            claims=claims,
            id_token=tokens["id_token"],
            access_token=tokens["access_token"],
            scope=" ".join(tokens["scope"]),
            userinfo=userinfo,
            introspected=introspected,
            asked_by_the_client=asked,
            refreshed=refreshed["access_token"],
            revoked=revoked,
            ended=ended,
            after=after,
        )


def _leave(browser: Browser, endpoint: str, id_token: str, told: dict[str, Any], issuer: Issuer) -> str:
    """Send the person away with the ID token, which says who is meant; where they ended."""
    form = {"id_token_hint": id_token, "post_logout_redirect_uri": told["after_logout"], "state": "bye"}
    url = requests.Request("GET", endpoint, params=form).prepare().url
    assert url is not None
    return browser.visit(url, issuer.issuer)
