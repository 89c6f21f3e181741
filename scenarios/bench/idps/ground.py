"""The directory in which every contestant finds the same clients and the same certificate."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import certs

APP, API, SECRET = "app", "api", "not-a-secret-outside-of-this-measurement"
"""The client that gets tokens, the resource server that asks about them, and the secret of both."""
SCOPE = "read"


def furnish(directory: Path) -> None:
    """Make what there is to find; `directory` is empty, and the layout is that of the shop."""
    secrets = directory / "idp" / "secrets"
    for made in (secrets, directory / "idp" / "data", directory / "users"):
        made.mkdir(parents=True)
    (secrets / "cookie_key").write_text(SECRET)
    (secrets / "clients.json").write_text(json.dumps([_client(APP), _client(API, introspect=True, grant_types=[])]))
    certs.CA.create(directory / "ca", name="A measurement").issue("idp", tls_dir(directory), ("localhost",))


def tls_dir(directory: Path) -> Path:
    """Certificate, key, trust bundle and CRL."""
    return directory / "idp" / "tls"


def _client(client_id: str, **more: Any) -> dict[str, Any]:
    return {
        "client_id": client_id,
        "name": client_id,
        "auth_method": "client_secret_basic",
        "secret_sha256": hashlib.sha256(SECRET.encode()).hexdigest(),
        "grant_types": ["client_credentials"],
        "scopes": [SCOPE, "write"],
        "audience": [API],
        "token_format": "jwt",
        **more,
    }
