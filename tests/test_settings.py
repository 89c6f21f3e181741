"""Settings: what a process may be told, and that it does not start when it was told nonsense."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.settings import BadSettings, Settings, from_environ
from tests import support

GOOD = {
    "SHOP_PATTERN": "jwt",
    "SHOP_DIR": "/shop",
    "SHOP_PORT": "8101",
    "SHOP_ISSUER": "https://localhost:9443",
    "SHOP_EDGE": "https://localhost:8443",
    "SHOP_PEERS": json.dumps({"orders": "https://127.0.0.1:8101"}),
}


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that is good, and has nothing else of ours in it."""
    for name in list(os.environ):
        if name.startswith("SHOP_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_a_service_is_told_by_its_environment(environ: pytest.MonkeyPatch) -> None:
    told = from_environ("orders")
    assert (told.service, told.pattern, told.dir, told.port) == ("orders", "jwt", Path("/shop"), 8101)
    assert (told.host, told.database_url, told.timeout) == ("127.0.0.1", None, 5.0)
    assert told.peers == {"orders": "https://127.0.0.1:8101"}


def test_what_is_ours_lies_in_a_directory_of_our_own(environ: pytest.MonkeyPatch) -> None:
    told = from_environ("orders")
    assert told.tls_dir == Path("/shop/orders/tls")
    assert told.bundle == "/shop/orders/tls/bundle.pem"
    assert told.leaf == ("/shop/orders/tls/leaf.pem", "/shop/orders/tls/key.pem")
    assert told.data_dir == Path("/shop/orders/data")
    assert told.users_file == Path("/shop/users/users.db")


def test_database_url_goes_by_its_usual_name(environ: pytest.MonkeyPatch) -> None:
    environ.setenv("DATABASE_URL", "postgresql://db/orders")
    assert from_environ("orders").database_url == "postgresql://db/orders"


@pytest.mark.parametrize("name", GOOD)
def test_nothing_that_is_needed_may_be_missing(environ: pytest.MonkeyPatch, name: str) -> None:
    environ.delenv(name)
    with pytest.raises(BadSettings, match=name.removeprefix("SHOP_").lower()):
        from_environ("orders")


NONSENSE = [
    ("SHOP_PATTERN", "hunter2"),
    ("SHOP_PATTERN", "JWT"),
    ("SHOP_PORT", "0"),
    ("SHOP_PORT", "65536"),
    ("SHOP_PORT", "hunter2"),
    ("SHOP_ISSUER", "http://hunter2"),
    ("SHOP_ISSUER", "https://hunter2/path"),
    ("SHOP_ISSUER", "https://hunter2?a=b"),
    ("SHOP_ISSUER", "https://hunter2/"),
    ("SHOP_ISSUER", "https://hunter2\n"),
    ("SHOP_EDGE", "http://hunter2"),
    ("SHOP_EDGE", "https://hunter2/#a"),
    ("SHOP_PEERS", '{"anybody": "https://hunter2"}'),
    ("SHOP_PEERS", '["hunter2"]'),
    ("SHOP_PEERS", '{"orders": 2}'),
    ("SHOP_TIMEOUT", "0"),
    ("SHOP_TIMEOUT", "61"),
    ("SHOP_TIMEOUT", "hunter2"),
]


@pytest.mark.parametrize(("name", "value"), NONSENSE)
def test_nonsense_is_refused_by_its_name_and_not_echoed(environ: pytest.MonkeyPatch, name: str, value: str) -> None:
    environ.setenv(name, value)
    with pytest.raises(BadSettings, match=name.removeprefix("SHOP_").lower()) as refused:
        from_environ("orders")
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(("pattern", "scheme"), [("perimeter", "https"), ("basic", "http"), ("mtls", "http")])
def test_peers_are_reached_as_the_pattern_needs(environ: pytest.MonkeyPatch, pattern: str, scheme: str) -> None:
    environ.setenv("SHOP_PATTERN", pattern)
    environ.setenv("SHOP_PEERS", json.dumps({"orders": f"{scheme}://hunter2"}))
    with pytest.raises(BadSettings, match=f"under {pattern}, peers are") as refused:
        from_environ("orders")
    assert "hunter2" not in str(refused.value)


def test_peers_that_are_not_json_are_refused_and_not_echoed(environ: pytest.MonkeyPatch) -> None:
    environ.setenv("SHOP_PEERS", "hunter2")
    with pytest.raises(BadSettings, match="peers") as refused:
        from_environ("orders")
    assert "hunter2" not in str(refused.value)


def test_all_that_is_wrong_is_said_at_once(environ: pytest.MonkeyPatch) -> None:
    environ.setenv("SHOP_PATTERN", "none")
    environ.setenv("SHOP_PORT", "none")
    with pytest.raises(BadSettings, match=r"pattern.*port"):
        from_environ("orders")


@pytest.mark.parametrize(
    "name", ["SHOP_PATERN", "SHOP_TIMEOUTS", "SHOP_DATABASE_URL", "SHOP_SERVICE", "SHOP_CLIENT_SECRET"]
)
def test_a_misspelt_name_is_refused_and_its_value_not_echoed(environ: pytest.MonkeyPatch, name: str) -> None:
    environ.setenv(name, "hunter2")
    with pytest.raises(BadSettings, match=f"unknown setting: {name}") as refused:
        from_environ("orders")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("service", ["idp", "ca", "ORDERS", ""])
def test_there_are_four_services(environ: pytest.MonkeyPatch, service: str) -> None:
    with pytest.raises(BadSettings, match="service"):
        from_environ(service)


def test_what_was_told_is_not_echoed_even_where_nobody_catches_it(tmp_path: Path) -> None:
    with pytest.raises(ValidationError) as refused:
        support.settings(tmp_path, issuer="http://hunter2")
    assert "hunter2" not in str(refused.value)


def test_settings_do_not_change(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        support.settings(tmp_path).port = 1


def test_a_secret_is_read_anew_each_time(tmp_path: Path) -> None:
    told = support.settings(tmp_path)
    path = tmp_path / "orders" / "secrets" / "password"
    path.write_text("one\n")
    assert told.secret("password") == "one"
    path.write_text("another")
    assert told.secret("password") == "another"
    path.unlink()
    with pytest.raises(FileNotFoundError):
        told.secret("password")


def test_the_idp_is_asked_each_time_unless_told_otherwise(tmp_path: Path) -> None:
    assert support.settings(tmp_path).cache_seconds == 0


@pytest.mark.parametrize("seconds", [-1, 301, float("inf"), float("nan"), "long"])
def test_what_the_idp_said_is_not_believed_for_ever(tmp_path: Path, seconds: object) -> None:
    with pytest.raises(ValidationError, match="cache_seconds"):
        support.settings(tmp_path, cache_seconds=seconds)


def test_no_setting_is_a_secret() -> None:
    assert set(Settings.model_fields) == {
        "service", "pattern", "dir", "host", "port", "issuer", "edge", "peers", "database_url", "timeout",
        "cache_seconds",
    }  # fmt: skip
