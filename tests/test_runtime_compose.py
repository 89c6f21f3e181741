"""The shop in containers: what compose.yaml promises, read as Compose reads it, and a shop that keeps the promises."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from compose import choice, engine
from compose.containers import ComposeShop
from compose.doctor import examine
from compose.refusals import CannotRun
from compose.shop import Shop, open_shop
from compose.topology import EDGE, INSIDE, PATTERNS, PROCESSES, REPO, Ports, env_file, variant

HOLDS = {
    "provision": {"ca", "users", *(f"{name}-{part}" for name in (*EDGE, *INSIDE) for part in ("tls", "secrets"))},
    "ca": {"ca", *(f"{name}-tls" for name in (*EDGE, *INSIDE))},
    **{name: {f"{name}-{part}" for part in ("tls", "secrets", "data")} for name in (*EDGE, *INSIDE)},
}


def needs(missing: str | None) -> None:
    """Skip for want of `missing`; in CI that is a failure, for a skipped half would pass for a tested one."""
    if missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)


@pytest.fixture(scope="module", params=PATTERNS)
def said(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """compose.yaml as Compose understands it with the env file of each pattern; no engine is needed for that."""
    if shutil.which("docker") is None:
        needs("there is no docker command here")
    files = ["--env-file", str(env_file(request.param)), "--file", str(REPO / "compose" / "compose.yaml")]
    asked = ["docker", "compose", *files, "config", "--format", "json"]
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    answer = subprocess.run(asked, env=environ, capture_output=True, text=True, timeout=30)
    if "is not a docker command" in answer.stderr:
        needs("docker has no compose plugin")
    assert answer.returncode == 0, answer.stderr
    config: dict[str, Any] = json.loads(answer.stdout)
    return request.param, config


def test_compose_runs_every_process_as_the_other_runtime_does(said: tuple[str, dict[str, Any]]) -> None:
    pattern, config = said
    shop = ComposeShop(pattern, Ports(), Path("/nowhere"))
    assert set(config["services"]) == {"provision", *PROCESSES}
    assert config["name"] == shop.name
    for name in PROCESSES:
        told = dict(config["services"][name]["environment"])
        expected = shop.environment(name, shop_dir="/shop", host="0.0.0.0")
        assert json.loads(told.pop("SHOP_PEERS", "{}")) == json.loads(expected.pop("SHOP_PEERS", "{}"))
        assert told == expected


def test_each_container_is_hardened(said: tuple[str, dict[str, Any]]) -> None:
    for service in said[1]["services"].values():
        assert (service["user"], service["read_only"], service["init"]) == ("10001:10001", True, True)
        assert (service["cap_drop"], service["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
        assert service["pids_limit"] > 0
        assert int(service["mem_limit"]) > 0
        assert not {"privileged", "cap_add", "devices", "pid", "ipc", "env_file"} & service.keys()


def test_each_container_sees_its_own_files_and_no_others(said: tuple[str, dict[str, Any]]) -> None:
    for name, service in said[1]["services"].items():
        mounts = {volume["source"]: volume for volume in service["volumes"]}
        assert {volume["type"] for volume in mounts.values()} == {"volume"}
        assert mounts.keys() - {"users", "nobody"} == HOLDS[name] - {"users"}
        if name in (*EDGE, *INSIDE):
            assert all(mounts[f"{name}-{part}"].get("read_only") for part in ("tls", "secrets"))


def test_only_whom_the_pattern_lets_reads_the_user_store_and_only_the_idp_writes_it(
    said: tuple[str, dict[str, Any]],
) -> None:
    pattern, config = said
    writers: set[str] = set()
    readers: set[str] = set()
    for name, service in config["services"].items():
        for volume in service["volumes"]:
            if volume["source"] == "users":
                (readers if volume.get("read_only") else writers).add(name)
    assert writers == {"provision", "idp"}
    assert readers == set(variant(pattern).readers)


def test_only_the_edge_is_published_and_only_on_loopback(said: tuple[str, dict[str, Any]]) -> None:
    published = {name: service["ports"] for name, service in said[1]["services"].items() if service.get("ports")}
    assert set(published) == set(EDGE)
    for name, (port,) in published.items():
        assert (port["host_ip"], port["published"]) == ("127.0.0.1", str(Ports().of(name)))


def test_the_inside_has_no_way_out(said: tuple[str, dict[str, Any]]) -> None:
    config = said[1]
    assert config["networks"]["inside"]["internal"] is True
    assert config["networks"]["edge"]["driver_opts"] == {"com.docker.network.bridge.enable_ip_masquerade": "false"}
    for name, service in config["services"].items():
        expected = {"inside", "edge"} if name in EDGE else {"inside"} if name in INSIDE else set()
        assert set(service.get("networks", {})) == expected
        assert expected or service["network_mode"] == "none"


def test_each_pattern_has_its_profile_and_every_process_a_health_check(said: tuple[str, dict[str, Any]]) -> None:
    pattern, config = said
    for name, service in config["services"].items():
        assert variant(pattern).profile in service["profiles"]
        if name != "provision":
            assert service["healthcheck"]["test"][0] == "CMD"
            assert service["depends_on"]["provision"]["condition"] == "service_completed_successfully"


def test_the_image_leaves_out_what_it_does_not_need() -> None:
    lines = (REPO / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert allowed == {"requirements.txt", *engine.COPIED}


@pytest.fixture(scope="module")
def up(containers: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One shop of containers that every test here may disturb, as long as it is whole again afterwards."""
    shop = open_shop("subsystem", "compose", "free", tmp_path_factory.mktemp("run"))
    shop.up()
    yield shop
    shutil.rmtree(shop.run_root)  # `down` has to find everything by itself
    for found in choice.shops_left_over({"RUN_ROOT": str(shop.run_root)}):
        found.down()
    for kind in (("ps", "--all"), ("volume", "ls"), ("network", "ls")):
        assert engine.docker(*kind, "--quiet", "--filter", f"label=com.docker.compose.project={shop.name}").stdout == ""


def test_every_container_is_healthy_when_up_returns(up: Shop) -> None:
    assert {status.name: status.health for status in up.status()} == dict.fromkeys(PROCESSES, "healthy")
    assert up.up() == 0.0


def test_a_container_runs_as_nobody_with_nothing_to_write_and_no_way_out(up: Shop) -> None:
    probe = """
import os, socket
print(os.getuid(), open("/proc/self/status").read().split("CapBnd:")[1].split()[0])
for path in ("/app/x", "/shop/orders/tls/x", "/shop/orders/secrets/x", "/shop/users/x"):
    try:
        open(path, "w")
        print("wrote", path)
    except OSError as error:
        print(error.strerror)
try:
    socket.create_connection(("192.0.2.1", 443), timeout=1)
    print("a way out")
except OSError:
    print("no way out")
print(sorted(os.listdir("/shop/orders/secrets")), os.listdir("/shop/users"), os.listdir("/shop/billing/secrets"))
"""
    said = up.run("orders", ["python", "-c", probe])
    assert said.stdout.splitlines() == [
        f"10001 {0:016x}",
        *["Read-only file system"] * 4,
        "no way out",
        "['callers.json', 'password'] [] []",
    ]


def test_no_secret_is_in_an_environment_variable_or_in_the_image(up: Shop) -> None:
    secrets = {path.read_text() for name in (*EDGE, *INSIDE) for path in up.secrets_dir(name).iterdir()}
    listed = engine.docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={up.name}")
    shown = engine.docker("inspect", engine.IMAGE, *listed.stdout.split()).stdout
    shown += engine.docker("history", "--no-trunc", engine.IMAGE).stdout
    assert len(listed.stdout.split()) == 7
    assert not [secret for secret in secrets if len(secret) > 40 and secret.strip() in shown]


def test_what_was_copied_out_is_as_private_as_it_was_inside(up: Shop) -> None:
    assert (up.secrets_dir("orders") / "password").stat().st_mode & 0o777 == 0o600
    assert (up.tls_dir("orders") / "key.pem").stat().st_mode & 0o777 == 0o600
    assert up.tls_dir("orders").stat().st_mode & 0o777 == 0o700
    assert (up.run_root / "ca.pem").read_text() == up.ca_file.read_text()


def test_a_killed_container_is_down_until_it_is_started(up: Shop) -> None:
    up.kill("billing")
    assert {status.name for status in up.status() if status.health != "healthy"} == {"billing"}
    up.start("billing")
    assert {status.health for status in up.status()} == {"healthy"}
    assert up.logs("billing").count("Starting gunicorn") == 2


def test_a_container_that_was_removed_is_named_by_every_command_and_comes_back_with_a_new_shop(up: Shop) -> None:
    engine.docker("rm", "--force", f"{up.name}-billing-1")
    again = f"make down up {up.meant}"
    try:
        assert {status.name: status.health for status in up.status() if status.health != "healthy"} == {
            "billing": "without its container"
        }
        for command in (up.up, lambda: up.restart(*PROCESSES), lambda: up.kill("billing"), lambda: up.logs("billing")):
            with pytest.raises(CannotRun, match="billing") as refused:
                command()
            assert "its container" in refused.value.what
            assert refused.value.mend == again
        assert [finding.mend for finding in examine(up.run_root) if "its container" in finding.what] == [again, again]
        assert [status.name for status in up.status() if status.health != "healthy"] == ["billing"]
    finally:
        up.down()
        up.up()


def test_a_container_that_is_removed_while_it_starts_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ComposeShop, "_containers", lambda _: {})
    with pytest.raises(CannotRun, match="the container of orders was removed while it started"):
        ComposeShop("jwt", Ports(), Path("/nowhere"))._await_healthy(["orders"])


def test_a_shop_of_another_checkout_is_left_alone(up: Shop, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="is up already, from"):
        ComposeShop(up.pattern, up.ports, tmp_path).up()
    assert {status.health for status in up.status()} == {"healthy"}
