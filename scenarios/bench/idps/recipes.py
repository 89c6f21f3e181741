"""How each identity provider is started, and where it answers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from scenarios.bench.idps.ground import SECRET

REPO = Path(__file__).resolve().parents[3]
NODE = Path(__file__).resolve().parent.parent / "node"
OLDEST_NODE = 20
OURS, MEMORY, SQL, FLOOR = "Five Locks", "Authlib, in memory", "Authlib, SQLAlchemy", "Flask alone"


@dataclass(frozen=True)
class Recipe:
    """One of them: a command with places for `{directory}` and `{port}`, and what it calls things."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    form: str = "grant_type=client_credentials&scope=read"
    """By which a JWT is asked for."""
    asked_about: str | None = None
    """By which a token is asked for that can be introspected, if that is another kind."""
    token: str | None = "/token"
    """Where; None when it offers no token that can be compared."""
    introspect: str | None = "/introspect"
    locked: bool = True
    """Whether it can tell a client from a stranger; a mock cannot, and a floor does not try."""
    signs: bool = True
    https: bool = True
    trouble: str | None = None
    """Why it cannot be had here."""


def recipes() -> list[Recipe]:
    """All of them, ours first."""
    python, missing = sys.executable, _without_node()
    node = shutil.which("node") or "node"
    shop = {"SHOP_DIR": "{directory}", "SHOP_ISSUER": "https://localhost:{port}", "SHOP_PORT": "{port}"}
    served = (python, "-m", "scenarios.bench.idps.authlib")
    resource = "&resource=https%3A%2F%2Fapi.test"
    return [
        Recipe(OURS, (python, "-m", "idp", "serve"), shop),
        Recipe(MEMORY, (*served, "memory", "{directory}", "{port}")),
        Recipe(SQL, (*served, "sqlalchemy", "{directory}", "{port}")),
        Recipe(FLOOR, (*served, "flask", "{directory}", "{port}"), locked=False, signs=False),
        Recipe(
            "oidc-provider",
            (node, str(NODE / "oidc_provider.mjs"), "{directory}", "{port}", SECRET),
            form=Recipe.form + resource,
            asked_about=Recipe.form,
            introspect="/token/introspection",
            trouble=missing,
        ),
        Recipe(
            "oauth2-mock-server",
            (node, str(NODE / "mock_server.mjs"), "{directory}", "{port}"),
            locked=False,
            trouble=missing,
        ),
        Recipe(
            "oidc-provider-mock",
            (python, "-m", "oidc_provider_mock", "--port", "{port}"),
            token=None,
            introspect=None,
            https=False,
            trouble=None if find_spec("oidc_provider_mock") else "oidc-provider-mock is not installed",
        ),
    ]


def filled(recipe: Recipe, directory: Path, port: int) -> tuple[list[str], dict[str, str]]:
    """The command and the environment of `recipe`, with its places filled in."""
    known = {"directory": directory, "port": port}
    told = {name: value.format(**known) for name, value in recipe.environment.items()}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SHOP_", "NODE_", "DATABASE_"))}
    return [word.format(**known) for word in recipe.command], kept | told


def _without_node() -> str | None:
    """Why the contestants in JavaScript cannot be had here, or None when they can."""
    node = shutil.which("node")
    if node is None:
        return "there is no node"
    version = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30).stdout.strip()
    if int(version.lstrip("v").partition(".")[0] or 0) < OLDEST_NODE:
        return f"node is {version}, and they need {OLDEST_NODE}"
    if not (NODE / "node_modules").is_dir():
        return "they are not installed: `make bench` does it, with npm"
    return None
