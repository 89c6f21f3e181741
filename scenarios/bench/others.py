"""The same endpoint behind what a Flask user would otherwise pick, each as its own documentation has it.

They are views of our own application that are open to all, so the server, the audit line and the endpoint are the same;
what differs is who checks.  Where there is a choice it is the cheaper one, unless the name says `as documented`.
"""

from __future__ import annotations

import functools
import re
import ssl
from collections.abc import Callable, Mapping
from typing import Any

import flask
import jwt as pyjwt
import requests
from authlib.integrations.flask_oauth2 import ResourceProtector
from authlib.oauth2.rfc7662 import IntrospectTokenValidator
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from flask_httpauth import HTTPBasicAuth
from flask_jwt_extended import JWTManager, jwt_required
from joserfc import jwt as joserfc_jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from werkzeug.security import check_password_hash, generate_password_hash

from compose.topology import PEOPLE
from services.app import open_to_all
from services.headers import bearer_token
from services.settings import Settings

SCOPE = "orders:read"
USERS = {person.name: person.password for person in PEOPLE}
View = Callable[..., Any]
Lock = Callable[[View], View]
SPIFFE_GATEWAY = ("URI", "spiffe://shop.test/gateway")


def install(app: flask.Flask, settings: Settings) -> None:
    """Add a view for each of `OTHERS` that fits the pattern in force."""
    for name, (pattern, make) in OTHERS.items():
        if pattern == settings.pattern:
            view = open_to_all(make(app, settings)(lambda: {"status": "ok"}))
            app.add_url_rule(path(name), name, view)


def path(name: str) -> str:
    """Where the endpoint is behind the lock called `name`."""
    return f"/others/{re.sub('[^a-z0-9]+', '-', name.lower())}"


def checking(check: Callable[[], object]) -> Lock:
    """A lock that is a function: it returns, or aborts."""

    def lock(view: View) -> View:
        @functools.wraps(view)
        def locked() -> Any:
            check()
            return view()

        return locked

    return lock


def _pyjwt_static(app: flask.Flask, settings: Settings) -> Lock:
    """The one key, parsed once."""

    @functools.cache
    def key() -> pyjwt.PyJWK:
        return pyjwt.PyJWK(_jwks(settings)["keys"][0])

    return checking(lambda: _decode(settings, key()))


def _pyjwt_client(app: flask.Flask, settings: Settings) -> Lock:
    """https://pyjwt.readthedocs.io/en/stable/usage.html#retrieve-rsa-signing-keys-from-a-jwks-endpoint."""
    trusting = ssl.create_default_context(cafile=settings.bundle)
    client = pyjwt.PyJWKClient(f"{settings.issuer}/jwks", ssl_context=trusting)

    def check() -> None:
        try:
            key = client.get_signing_key_from_jwt(bearer_token(flask.request))
        except pyjwt.PyJWTError:
            flask.abort(401)
        _decode(settings, key)

    return checking(check)


def _decode(settings: Settings, key: pyjwt.PyJWK) -> None:
    """Signature, audience, issuer, dates, and the scope."""
    token = bearer_token(flask.request)
    try:
        claims = pyjwt.decode(token, key, ["ES256"], audience=settings.service, issuer=settings.issuer)
    except pyjwt.PyJWTError:
        flask.abort(401)
    if SCOPE not in claims["scope"].split():
        flask.abort(403)


def _joserfc(app: flask.Flask, settings: Settings) -> Lock:
    """https://jose.authlib.org/en/guide/jwt/, with the key set kept as an object."""
    registry = joserfc_jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": settings.issuer}, aud={"essential": True, "value": settings.service}
    )
    keys = functools.cache(lambda: KeySet.import_key_set(_jwks(settings)))  # type: ignore[arg-type]  # as published

    def check() -> None:
        try:
            token = joserfc_jwt.decode(bearer_token(flask.request), keys(), ["ES256"])
            registry.validate(token.claims)
        except JoseError:
            flask.abort(401)
        if SCOPE not in token.claims["scope"].split():
            flask.abort(403)

    return checking(check)


def _flask_jwt_extended(app: flask.Flask, settings: Settings) -> Lock:
    """https://flask-jwt-extended.readthedocs.io/en/stable/options.html, with a public key; it knows no scopes."""
    app.config.update(JWT_ALGORITHM="ES256", JWT_DECODE_AUDIENCE=settings.service, JWT_DECODE_ISSUER=settings.issuer)
    manager = JWTManager(app)
    public = functools.cache(lambda: pyjwt.PyJWK(_jwks(settings)["keys"][0]).key)
    manager.decode_key_loader(lambda header, payload: public())
    lock: Lock = jwt_required()
    return lock


def _authlib_jwt(app: flask.Flask, settings: Settings) -> Lock:
    """JWTBearerTokenValidator (RFC 9068), with the key set kept as an object."""
    keys = functools.cache(lambda: KeySet.import_key_set(_jwks(settings)))  # type: ignore[arg-type]  # as published
    return _protector(_Bearer(settings, keys))


def _authlib_jwt_documented(app: flask.Flask, settings: Settings) -> Lock:
    """The same with the key set kept as JSON, as in the docstring of `get_jwks`."""
    return _protector(_Bearer(settings, functools.cache(lambda: _jwks(settings))))


class _Bearer(JWTBearerTokenValidator):  # type: ignore[misc]  # Authlib has no types
    """As documented: only the keys are missing."""

    def __init__(self, settings: Settings, keys: Callable[[], Any]) -> None:
        super().__init__(issuer=settings.issuer, resource_server=settings.service)
        self.get_jwks = keys


def _authlib_introspection(app: flask.Flask, settings: Settings) -> Lock:
    """IntrospectTokenValidator (RFC 7662), over one pooled session that reads nothing from the environment."""
    session = requests.Session()
    session.trust_env, session.verify = False, settings.bundle
    return _protector(_Introspecting(settings, session.post))


def _authlib_introspection_documented(app: flask.Flask, settings: Settings) -> Lock:
    """The same with `requests.post`, as in the docstring of `introspect_token`."""
    return _protector(_Introspecting(settings, functools.partial(requests.post, verify=settings.bundle)))


class _Introspecting(IntrospectTokenValidator):  # type: ignore[misc]  # Authlib has no types
    """As documented: how to ask is ours to say."""

    def __init__(self, settings: Settings, post: Callable[..., requests.Response]) -> None:
        super().__init__()
        self.url, self.post = f"{settings.issuer}/introspect", post
        self.auth = (settings.service, settings.secret("client_secret"))

    def introspect_token(self, token_string: str) -> Mapping[str, Any]:
        answer = self.post(self.url, data={"token": token_string}, auth=self.auth, timeout=5)
        answer.raise_for_status()
        said: Mapping[str, Any] = answer.json()
        return said


def _protector(validator: Any) -> Lock:
    protector = ResourceProtector()
    protector.register_token_validator(validator)
    lock: Lock = protector(SCOPE)
    return lock


def _flask_httpauth(app: flask.Flask, settings: Settings) -> Lock:
    """https://flask-httpauth.readthedocs.io/en/latest/: the users in a dict, hashed as werkzeug hashes by default."""
    auth = HTTPBasicAuth()
    users = {name: generate_password_hash(password) for name, password in USERS.items()}

    @auth.verify_password  # type: ignore[untyped-decorator]  # Flask-HTTPAuth has no types
    def verify(name: str, password: str) -> str | None:
        return name if name in users and check_password_hash(users[name], password) else None

    lock: Lock = auth.login_required
    return lock


def _getpeercert(app: flask.Flask, settings: Settings) -> Lock:
    """The caller's name out of `getpeercert()`, asked at each request."""

    def check() -> None:
        certificate = flask.request.environ["gunicorn.socket"].getpeercert()
        if SPIFFE_GATEWAY not in certificate.get("subjectAltName", ()):
            flask.abort(403)

    return checking(check)


def _jwks(settings: Settings) -> dict[str, Any]:
    """The published keys, those for ES256."""
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(f"{settings.issuer}/jwks", verify=settings.bundle, timeout=5)
    return {"keys": [key for key in answer.json()["keys"] if key["alg"] == "ES256"]}


OTHERS: Mapping[str, tuple[str, Callable[[flask.Flask, Settings], Lock]]] = {
    "PyJWT, static key": ("jwt", _pyjwt_static),
    "PyJWT with PyJWKClient": ("jwt", _pyjwt_client),
    "joserfc": ("jwt", _joserfc),
    "flask-jwt-extended": ("jwt", _flask_jwt_extended),
    "Authlib RFC 9068": ("jwt", _authlib_jwt),
    "Authlib RFC 9068, as documented": ("jwt", _authlib_jwt_documented),
    "Authlib introspection, pooled": ("oauth2", _authlib_introspection),
    "Authlib introspection, as documented": ("oauth2", _authlib_introspection_documented),
    "Flask-HTTPAuth": ("basic", _flask_httpauth),
    "getpeercert() each request": ("mtls", _getpeercert),
    "getpeercert() each request, gunicorn's default": ("mtls", _getpeercert),
}
"""By name: the pattern that it stands beside, and how it is made."""
