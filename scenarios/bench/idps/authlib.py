"""The identity provider that Authlib's documentation leads to: `python -m scenarios.bench.idps.authlib KEPT DIR PORT`.

    memory       tokens in a dictionary: the least that such a server can do
    sqlalchemy   tokens in SQLite, by the mixin and the functions that Authlib brings for it
    flask        no Authlib at all: views that answer the same text each time

Client credentials (RFC 6749 §4.4), JWT access tokens under ES256 (RFC 9068), introspection (RFC 7662).  It is served as
ours is, by gunicorn with the same options; and it is spared what the documentation would have it do for each token:
read its key, and wait for the disk.
"""

from __future__ import annotations

import hmac
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flask

from scenarios.bench.idps.ground import API, APP, SCOPE, SECRET, tls_dir
from services import server, tls

WORKERS = {"memory": 1, "sqlalchemy": 2, "flask": 2}
"""As many as ours has; what is in memory is in one process."""
DISCOVERY, JWKS, TOKEN, INTROSPECT = "/.well-known/openid-configuration", "/jwks", "/token", "/introspect"
Keep = Callable[[Any, Any], None]
Find = Callable[[str], Any]


def create_app(kept: str, directory: Path, issuer: str, key: Any = None) -> flask.Flask:
    """The application; tokens are kept as `kept` says."""
    app = flask.Flask("authlib")
    if kept == "flask":
        views = dict.fromkeys((DISCOVERY, JWKS, TOKEN, INTROSPECT), _constant)
    else:
        views = _provider(app, issuer, key, *(_in_memory() if kept == "memory" else _in_sqlite(directory)))
    for path, view in views.items():
        app.add_url_rule(path, path, view, methods=["POST"] if path in {TOKEN, INTROSPECT} else ["GET"])
    return app


def _constant() -> flask.Response:
    """As long as an answer with a token."""
    return flask.Response(json.dumps({"access_token": "x" * 500, "active": True}), mimetype="application/json")


def _provider(app: flask.Flask, issuer: str, key: Any, keep: Keep, find: Find) -> dict[str, Callable[[], Any]]:
    """Authlib's server, its grant, its token and its endpoint, as the documentation puts them together."""
    from authlib.integrations.flask_oauth2 import AuthorizationServer
    from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
    from authlib.oauth2.rfc7662 import IntrospectionEndpoint
    from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator

    clients = {APP: Client(APP, frozenset({SCOPE, "write"})), API: Client(API, frozenset())}

    class Generator(JWTBearerTokenGenerator):  # type: ignore[misc]  # Authlib has no types
        def get_jwks(self) -> Any:
            return key

        def get_audiences(self, *_: Any) -> str:
            return API

    class Introspection(IntrospectionEndpoint):  # type: ignore[misc]  # Authlib has no types
        def query_token(self, token: str, token_type_hint: str | None) -> Any:
            return find(token)

        def check_permission(self, token: Any, client: Client, request: Any) -> bool:
            return client.client_id == API

        def introspect_token(self, token: Any) -> dict[str, Any]:
            told = {"client_id": token.client_id, "token_type": token.token_type, "scope": token.scope, "iss": issuer}
            times = {"iat": token.issued_at, "exp": token.issued_at + token.expires_in}
            return {"active": True, "sub": token.client_id, "aud": API, **told, **times}

    provider = AuthorizationServer(app, clients.get, keep)
    provider.register_token_generator("default", Generator(issuer, alg="ES256"))
    provider.register_grant(ClientCredentialsGrant)
    provider.register_endpoint(Introspection)
    return {
        DISCOVERY: lambda: {"issuer": issuer, "jwks_uri": issuer + JWKS, "token_endpoint": issuer + TOKEN},
        JWKS: lambda: {"keys": [key.as_dict(private=False)]},
        TOKEN: lambda: provider.create_token_response(),
        INTROSPECT: lambda: provider.create_endpoint_response("introspection"),
    }


def _new_key() -> Any:
    from joserfc.jwk import ECKey

    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"})
    key.ensure_kid()
    return key


@dataclass(frozen=True)
class Client:
    """One that may ask, with the questions that Authlib asks it."""

    client_id: str
    scopes: frozenset[str]

    def get_client_id(self) -> str:
        return self.client_id

    def check_client_secret(self, secret: str) -> bool:
        return hmac.compare_digest(secret, SECRET)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"

    def get_allowed_scope(self, scope: str | None) -> str:
        return " ".join(one for one in (scope or "").split() if one in self.scopes)


@dataclass(frozen=True)
class Token:
    """A token in memory, with the questions that Authlib asks it."""

    client_id: str
    token_type: str
    scope: str
    expires_in: int
    issued_at: int

    def is_expired(self) -> bool:
        return self.issued_at + self.expires_in < time.time()

    def is_revoked(self) -> bool:
        return False


def _in_memory() -> tuple[Keep, Find]:
    """How tokens are kept and found in a dictionary of this process."""
    tokens: dict[str, Token] = {}

    def keep(token: dict[str, Any], request: Any) -> None:
        client_id, scope = request.client.client_id, token["scope"]
        tokens[token["access_token"]] = Token(client_id, "Bearer", scope, token["expires_in"], int(time.time()))

    return keep, tokens.get


def _in_sqlite(directory: Path) -> tuple[Keep, Find]:
    """How tokens are kept and found in SQLite, as https://docs.authlib.org has it for SQLAlchemy."""
    import sqlalchemy as sa
    from authlib.integrations.sqla_oauth2 import OAuth2TokenMixin, create_query_token_func, create_save_token_func
    from sqlalchemy.orm import declarative_base, scoped_session, sessionmaker

    base: Any = declarative_base()

    class Kept(base, OAuth2TokenMixin):  # type: ignore[misc]  # Authlib has no types
        __tablename__ = "oauth2_token"
        id = sa.Column(sa.Integer, primary_key=True)
        user_id = sa.Column(sa.Integer)
        access_token = sa.Column(sa.String(1024), unique=True, nullable=False)  # a JWT does not fit the mixin's 255

    engine = sa.create_engine(f"sqlite:///{directory / 'authlib.db'}")

    @sa.event.listens_for(engine, "connect")
    def as_ours(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")

    base.metadata.create_all(engine)
    session = scoped_session(sessionmaker(engine))
    find = create_query_token_func(session, Kept)
    return create_save_token_func(session, Kept), lambda token: find(token, "access_token")


def main(kept: str, directory: Path, port: int) -> None:
    """Serve until a signal ends the process."""
    certificate = tls_dir(directory)
    key = None if kept == "flask" else _new_key()
    server.serve(
        lambda: create_app(kept, directory, f"https://localhost:{port}", key),
        name="authlib",
        host="127.0.0.1",
        port=port,
        tls=lambda: tls.server_context(certificate, "none"),
        tls_dir=certificate,
        workers=WORKERS[kept],
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
