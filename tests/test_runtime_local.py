"""The shop as plain processes: up when healthy, each process at our hand, and nothing left after down."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests

from compose import choice, local, processes, remember
from compose import ports as port_book
from compose.doctor import examine
from compose.local import LocalShop
from compose.processes import left_over, marked
from compose.refusals import CannotRun
from compose.shop import Shop, open_shop, running
from compose.topology import COMMANDS, PROCESSES
from scenarios.levers import eventually
from services.health import knock


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One shop that every test here may disturb, as long as it is whole again afterwards."""
    with running("mtls", runtime="local", ports="free", run_root=tmp_path_factory.mktemp("run")) as shop:
        yield shop


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Shop]:
    """A shop of a test's own, not up yet; whatever the test leaves of it is ended."""
    shop = open_shop("perimeter", "local", "free", tmp_path)
    yield shop
    shop.down()


def pids(shop: Shop) -> dict[str, str]:
    """The pid of each process."""
    return {status.name: status.ident for status in shop.status()}


def processes_of(shop: Shop) -> list[psutil.Process]:
    """Everything that runs and belongs to `shop`."""
    return [process for process, shop_dir, _ in marked() if shop_dir == shop.dir]


def is_well(shop: Shop) -> bool:
    """Whether every process says so; on a busy machine one may not say anything in time, and is asked again."""
    return {status.health for status in shop.status()} == {"healthy"}


def test_every_process_is_healthy_when_up_returns(up: Shop) -> None:
    assert [status.name for status in up.status()] == list(PROCESSES)
    eventually(lambda: is_well(up), "the shop is well")
    assert all(status.since and status.since <= time.time() for status in up.status())


def test_up_again_changes_nothing(up: Shop) -> None:
    before = pids(up)
    assert open_shop("mtls", "local", up.ports, up.run_root).up() == 0.0
    assert pids(up) == before


def test_clients_trust_the_shop_by_the_one_file(up: Shop) -> None:
    assert (up.run_root / "ca.pem").read_text() == up.ca_file.read_text()
    assert (up.run_root / "ca.pem").stat().st_mode & 0o777 == 0o644
    assert up.run_root.stat().st_mode & 0o777 == 0o700


def test_a_root_gives_way_to_the_next_while_customers_buy(up: Shop) -> None:
    trusted = up.run_root / "ca.pem"

    def rotated(step: str) -> str:
        ran = up.run("ca", [sys.executable, "-m", "certs", "rotate", "root", "--step", step])
        assert ran.returncode == 0, ran.stderr
        assert bought(up, trusted) == 201
        up.renew_trust()
        assert trusted.read_text() == up.ca_file.read_text()
        assert bought(up, trusted) == 201
        return trusted.read_text()

    before = trusted.read_text()
    both, same, after = (rotated(step) for step in ("begin", "switch", "finish"))
    assert both == same == before + after
    assert before not in after


def bought(shop: Shop, trusted: Path) -> int:
    """What a new customer gets who trusts only what is in the file, and orders a book, which takes every service."""
    address, key = f"{shop.edge}/api/orders", {"Idempotency-Key": secrets.token_hex(16)}
    with requests.Session() as alice:
        alice.trust_env = False  # it may name another bundle
        alice.auth, alice.verify = ("alice", "wonderland"), str(trusted)
        return alice.post(address, json={"sku": "book", "quantity": 1}, headers=key, timeout=10).status_code


def test_a_command_runs_in_the_position_of_a_process(up: Shop) -> None:
    said = up.run("orders", [sys.executable, "-c", "import os; print(os.getcwd(), os.environ['SHOP_PORT'])"])
    assert said.stdout.split() == [str(up.dir / "orders"), str(up.ports.orders)]


def test_no_process_carries_the_terminals_environment_or_a_secret(up: Shop) -> None:
    secrets = {path.read_text().strip() for path in up.dir.glob("*/secrets/*")}
    for process in processes_of(up):
        environ = process.environ()
        extra = {name for name in environ if not name.startswith(("SHOP_", "FIVELOCKS_", "PYTHON", "SERVER_SOFTWARE"))}
        assert extra <= {"PATH", "HOME", "LANG", "LC_CTYPE"}
        shown = " ".join((*process.cmdline(), *environ.values()))
        assert not [secret for secret in secrets if secret in shown]


def test_what_a_process_says_is_in_its_log(up: Shop) -> None:
    assert f"https://127.0.0.1:{up.ports.billing}" in up.logs("billing")
    assert up.following(["billing"])[-1].endswith("/logs/billing.log")


@pytest.mark.parametrize(
    ("said", "lines"), [("", []), ("one", []), ("one\n", ["one"]), ("one\ntw", ["one"]), ("one\ntwo\n", ["one", "two"])]
)
def test_a_line_without_an_end_is_not_yet_one(said: str, lines: list[str]) -> None:
    assert processes.whole_lines(said) == lines


def test_killed_is_gone_with_its_workers_and_starts_again_with_its_data(up: Shop) -> None:
    data = up.dir / "inventory" / "data" / "inventory.db"
    made = data.stat().st_ino
    up.kill("inventory")
    assert "inventory" not in {role for _, shop_dir, role in marked() if shop_dir == up.dir}
    with pytest.raises(OSError, match="refused"):
        knock(up.urls["inventory"], up.tls_dir("inventory"))
    with pytest.raises(CannotRun, match="is up, but inventory is down: make restart PATTERN=mtls PORT_BASE="):
        open_shop("mtls", "local", up.ports, up.run_root).up()
    up.start("inventory")
    knock(up.urls["inventory"], up.tls_dir("inventory"))
    assert data.stat().st_ino == made


def test_a_restart_gives_a_new_process_and_leaves_the_others_alone(up: Shop) -> None:
    before = pids(up)
    up.restart("orders")
    changed = {name for name, pid in pids(up).items() if pid != before[name]}
    assert changed == {"orders"}


def test_restarts_at_the_same_time_wait_for_each_other_and_leave_each_process_once(up: Shop) -> None:
    shops = [open_shop("mtls", "local", up.ports, up.run_root) for _ in range(2)]
    with ThreadPoolExecutor() as terminals:
        for restarted in [terminals.submit(shop.restart, "ca", "billing") for shop in shops for _ in range(3)]:
            restarted.result()
    eventually(lambda: is_well(up), "the shop is well")
    ours = {process.pid for process in processes_of(up)}
    began = sorted(role for process, shop, role in marked() if shop == up.dir and process.ppid() not in ours)
    assert began == sorted(PROCESSES)


def test_a_restart_after_another_has_ended_the_shop_is_refused(up: Shop) -> None:
    gone = LocalShop("mtls", port_book.free(), up.run_root)
    with pytest.raises(CannotRun, match=f"{gone.name} is not up any more: make up PATTERN=mtls PORT_BASE="):
        gone.restart("orders")
    assert not gone.dir.exists()


def test_the_doctor_finds_nothing_wrong_with_a_shop_that_is_well(up: Shop) -> None:
    eventually(lambda: is_well(up), "the shop is well")
    said = {finding.what: finding.mend for finding in examine(up.run_root)}
    assert said[f"{up.name}: every process is healthy"] == ""
    assert not [what for what, mend in said.items() if mend and up.name in what]


def test_the_doctor_sees_a_secret_that_others_can_read(up: Shop) -> None:
    key = up.tls_dir("orders") / "key.pem"
    key.chmod(0o644)
    mends = [finding.mend for finding in examine(up.run_root) if str(key) in finding.what]
    key.chmod(0o600)
    assert mends == [f"chmod -R go= {up.run_root}"]


def test_nothing_is_left_after_down_even_when_an_arbiter_was_killed_and_run_deleted(other: Shop) -> None:
    other.up()
    everything = processes_of(other)
    os.kill(int(pids(other)["gateway"]), signal.SIGKILL)
    shutil.rmtree(other.run_root)
    assert left_over(other.run_root) == {other.name}
    (found,) = choice.shops_left_over({"RUN_ROOT": str(other.run_root)})
    found.down()
    assert not processes.outlasting(everything, 0)
    assert not other.dir.exists()


def test_what_is_left_of_an_earlier_shop_is_cleaned_up_and_said(other: Shop) -> None:
    said: list[str] = []
    other.up()
    for name in PROCESSES:
        other.kill(name)
    old_root = other.ca_file.read_bytes()
    LocalShop("perimeter", other.ports, other.run_root, said.append).up()
    assert said == [f"{other.name} was left over from an earlier run that did not end well: cleaned up"]
    assert other.ca_file.read_bytes() != old_root


def test_a_process_that_dies_while_starting_is_named_with_its_last_words(
    other: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = ("-c", "import sys; sys.exit('the shelf fell down')")
    monkeypatch.setattr(local, "COMMANDS", COMMANDS | {"billing": broken})
    with pytest.raises(CannotRun) as refused:
        other.up()
    assert refused.value.what == "billing ended while starting; its last words:\nthe shelf fell down"
    assert refused.value.mend.endswith("everything it started has been ended again")
    assert not processes_of(other)
    assert not other.dir.exists()


def test_a_process_that_never_answers_is_named_too(up: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    up.kill("billing")
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(local, "COMMANDS", COMMANDS | {"billing": ("-c", "import time; time.sleep(60)")})
        meanwhile.setattr(local, "HEALTHY_WITHIN", 1.0)
        with pytest.raises(CannotRun, match=r"billing was not healthy within 1 s \(.*refused") as refused:
            up.start("billing")
        assert refused.value.mend == "see above; and: make doctor"  # the others run on
    up.restart("billing")


def test_a_stranger_is_never_ended(tmp_path: Path) -> None:
    mark = {processes.SHOP_MARK: str(tmp_path / "fivelocks-jwt")}
    half = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=mark)
    processes.end_marked(tmp_path / "fivelocks-jwt")
    assert half.poll() is None
    half.communicate(b"\n", timeout=10)


def test_a_process_that_will_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOPPED_WITHIN", 0.5)
    shop = open_shop("perimeter", "local", "free", tmp_path)
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); signal.pause()"
    marks = {processes.SHOP_MARK: str(shop.dir), processes.ROLE_MARK: "orders"}
    with subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE, env=marks) as process:
        assert process.stdout is not None
        process.stdout.readline()
        shop.stop("orders")
        assert process.wait(timeout=10) == -signal.SIGKILL


def test_a_damaged_memory_is_no_memory(tmp_path: Path) -> None:
    (tmp_path / "shop.json").write_text('{"pattern": "jwt"}')
    assert remember.shop(tmp_path) is None
