"""Who there is in a shop and who holds what: decided once, and the same wherever it has to be repeated."""

import json
import stat
from pathlib import Path

import pytest

from certs import CA
from compose import clients, topology
from compose.provision import provision
from compose.topology import INSIDE, PATTERNS, PEOPLE, PROCESSES, Ports, variant
from idp.clients import Clients
from services.patterns import PATTERNS as GUARDS
from services.users import UserStore


def test_every_pattern_has_a_guard_and_an_env_file_that_names_it() -> None:
    assert tuple(GUARDS) == PATTERNS
    assert {path.stem for path in (topology.REPO / "compose").glob("*.env")} == set(PATTERNS)
    assert all(variant(pattern).pattern == pattern for pattern in PATTERNS)


def test_five_profiles_carry_seven_patterns() -> None:
    profiles = {pattern: variant(pattern).profile for pattern in PATTERNS}
    assert set(profiles.values()) == {"perimeter", "basic", "mtls", "oauth2", "jwt"}
    assert (profiles["subsystem"], profiles["zerotrust"]) == ("basic", "jwt")


def test_only_the_perimeter_is_plain_inside_and_needs_no_leaves_there() -> None:
    assert [pattern for pattern in PATTERNS if variant(pattern).inner_scheme == "http"] == ["perimeter"]
    for pattern in PATTERNS:
        inside = set(INSIDE) & set(variant(pattern).leaves)
        assert inside == (set() if pattern == "perimeter" else set(INSIDE))


def test_localhost_is_a_name_of_the_edge_alone() -> None:
    for pattern in PATTERNS:
        named = {name for name, dns_names in variant(pattern).leaves.items() if "localhost" in dns_names}
        assert named == {"gateway", "idp"}


def test_who_reads_the_user_store_is_what_the_patterns_differ_in() -> None:
    readers = {pattern: set(variant(pattern).readers) for pattern in PATTERNS}
    assert readers["basic"] == {"gateway", *INSIDE}
    assert all(readers[pattern] == {"gateway"} for pattern in ("perimeter", "subsystem", "mtls"))
    assert not any(readers[pattern] for pattern in topology.TOKEN_PATTERNS)


def test_a_client_secret_goes_only_to_who_proves_itself_by_one() -> None:
    def holders(pattern: str, file: str) -> set[str]:
        return {name for name, files in variant(pattern).secrets.items() if file in files}

    assert {p: holders(p, "client_secret") for p in PATTERNS if holders(p, "client_secret")} == {
        "oauth2": {"gateway", *INSIDE},
        "jwt": {"gateway"},
    }
    assert {p for p in PATTERNS if holders(p, "password")} == {"subsystem"}
    assert holders("subsystem", "password") == {"gateway", "orders"}


def test_ports_in_a_row_start_at_the_base() -> None:
    ports = Ports.based(9100)
    assert (ports.gateway, ports.idp, ports.manage) == (9100, 9101, 9102)
    assert (ports.orders, ports.inventory, ports.billing) == (9103, 9104, 9105)
    assert ports.of("ca") is None


@pytest.fixture(scope="module", params=PATTERNS)
def provisioned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The directory of a shop that is about to start, under each pattern in turn."""
    pattern, shop_dir = request.param, tmp_path_factory.mktemp(request.param)
    provision(shop_dir, pattern, edge="https://localhost:8443", name=f"fivelocks-{pattern}")
    return pattern, shop_dir


def test_each_process_finds_the_secrets_of_its_pattern_and_no_others(provisioned: tuple[str, Path]) -> None:
    pattern, shop_dir = provisioned
    found = {name: {path.name for path in (shop_dir / name / "secrets").iterdir()} for name in variant(pattern).secrets}
    assert found == {name: set(files) for name, files in variant(pattern).secrets.items()}


def test_nothing_that_was_provisioned_is_open_to_others(provisioned: tuple[str, Path]) -> None:
    _, shop_dir = provisioned
    secret = [*shop_dir.glob("*/secrets/*"), *shop_dir.glob("*/tls/key.pem"), *shop_dir.glob("ca/*-key.pem")]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in (*secret, shop_dir / "users" / "users.db"))
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o700 for path in shop_dir.glob("*/*") if path.is_dir())


def test_each_leaf_carries_the_names_of_its_process(provisioned: tuple[str, Path]) -> None:
    pattern, shop_dir = provisioned
    issued = {leaf.name: leaf.dns_names for leaf in CA.open(shop_dir / "ca").index().current()}
    assert issued == variant(pattern).leaves


def test_the_identity_provider_accepts_its_clients(provisioned: tuple[str, Path]) -> None:
    pattern, shop_dir = provisioned
    path = shop_dir / "idp" / "secrets" / "clients.json"
    known = {said["client_id"]: Clients(path).get(said["client_id"]) for said in json.loads(path.read_text())}
    expected = {"perimeter": 0, "basic": 0, "subsystem": 0, "mtls": 0, "oauth2": 5, "jwt": 2, "zerotrust": 5}
    assert len(known) == expected[pattern]
    assert not known.keys() & {person.name for person in PEOPLE}
    for name, client in known.items():
        assert client is not None
        held = shop_dir / name / "secrets" / "client_secret"
        assert held.exists() == (client.auth_method == "client_secret_basic")
        assert not held.exists() or client.which_secret(held.read_text()) == 0


def test_the_demo_people_can_log_in(provisioned: tuple[str, Path]) -> None:
    store = UserStore(provisioned[1] / "users" / "users.db")
    for person in PEOPLE:
        assert store.check(person.name, person.password).scopes == set(person.scopes)


def test_tokens_are_exchanged_only_along_the_calls_that_the_shop_makes() -> None:
    registered = clients.registrations("zerotrust", "https://localhost:8443", {})
    exchanges = {client["client_id"]: client["exchange_audiences"] for client in registered}
    assert exchanges == {
        "gateway": ["orders", "inventory"],
        "orders": ["inventory", "billing"],
        "cli": [],
        "inventory": [],
        "billing": [],
    }


def test_provisioning_again_changes_nothing(tmp_path: Path) -> None:
    def everything() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()}

    provision(tmp_path, "perimeter", edge="https://localhost:8443", name="fivelocks-perimeter")
    before = everything()
    provision(tmp_path, "perimeter", edge="https://localhost:8443", name="fivelocks-perimeter")
    assert everything() == before


def test_an_interrupted_provisioning_is_made_again_from_the_start(tmp_path: Path) -> None:
    provision(tmp_path, "perimeter", edge="https://localhost:8443", name="fivelocks-perimeter")
    (tmp_path / "idp" / "secrets" / "clients.json").unlink()
    (tmp_path / "ca" / "index.json").unlink()
    provision(tmp_path, "perimeter", edge="https://localhost:8443", name="fivelocks-perimeter")
    assert json.loads((tmp_path / "idp" / "secrets" / "clients.json").read_text()) == []
    assert CA.open(tmp_path / "ca").index().current()


def test_what_a_process_is_told_holds_nothing_secret() -> None:
    told = topology.environment(
        "jwt", shop_dir="/shop", host="127.0.0.1", port=8101, issuer="https://i", edge="https://e", peers={}
    )
    names = ("PATTERN", "DIR", "HOST", "PORT", "ISSUER", "EDGE", "PEERS", "CACHE_SECONDS")
    assert set(told) == {f"SHOP_{name}" for name in names}
    assert set(PROCESSES) == set(topology.COMMANDS)
