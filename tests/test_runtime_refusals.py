"""What cannot be done is refused at once, with what stands in the way and what to type to mend it."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE

import pytest

from compose import choice, engine, lockstep, processes, remember
from compose import ports as port_book
from compose.refusals import CannotRun
from compose.shop import open_shop
from compose.topology import PATTERNS, REPO, Ports


def command(*arguments: str, run_root: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """What `python -m compose` says in a terminal of its own, which has no variables of ours set."""
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "RUN_ROOT": str(run_root), **variables}
    argv = [sys.executable, "-m", "compose", *arguments]
    return subprocess.run(argv, cwd=REPO, env=environ, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which this very process listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_an_unknown_pattern_gets_the_list(tmp_path: Path) -> None:
    answer = command("up", run_root=tmp_path, PATTERN="saml")
    assert answer.returncode == 1
    assert answer.stderr == f"cannot: there is no pattern 'saml'\nmend:   choose one of {', '.join(PATTERNS)}\n"


def test_without_any_pattern_the_list_is_given_too(tmp_path: Path) -> None:
    answer = command("up", run_root=tmp_path)
    assert answer.returncode == 1
    assert "no pattern was named yet" in answer.stderr
    assert "make up PATTERN=jwt" in answer.stderr


def test_an_unknown_runtime_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="RUNTIME is local or compose"):
        open_shop("jwt", "kubernetes", run_root=tmp_path)


@pytest.mark.parametrize("name", ["[b]", "[/b]"])
def test_the_doctor_prints_a_path_as_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir(mode=0o700, parents=True)
    answer = command("doctor", run_root=tmp_path / name)
    assert f"{tmp_path / name} is closed to other users" in answer.stdout
    assert "Traceback" not in answer.stderr


def test_a_command_for_a_shop_that_is_not_up_says_how_to_start_it(tmp_path: Path) -> None:
    answer = command("status", run_root=tmp_path, PATTERN="mtls")
    assert (answer.returncode, answer.stderr) == (
        1,
        "cannot: no shop is up under mtls\nmend:   make up PATTERN=mtls\n",
    )


def test_down_without_a_shop_is_no_mistake(tmp_path: Path) -> None:
    answer = command("down", run_root=tmp_path)
    assert (answer.returncode, answer.stdout) == (0, "nothing is up\n")


def test_a_taken_port_names_its_holder_and_a_way_out(tmp_path: Path, taken: int) -> None:
    shop = open_shop("jwt", "local", replace(port_book.free(), billing=taken), run_root=tmp_path)
    with pytest.raises(CannotRun) as refused:
        shop.up()
    assert f"port {taken} (billing) is taken by" in refused.value.what
    assert f"(pid {os.getpid()})" in refused.value.what
    assert "PORT_BASE=9100 make up PATTERN=jwt" in refused.value.mend
    assert not shop.dir.exists()


def test_a_port_taken_by_another_shop_of_ours_says_how_to_end_that(tmp_path: Path, taken: int) -> None:
    other = remember.Known("basic", "local", Ports(gateway=taken), time.time())
    remember.remember_shop(remember.private(tmp_path / "fivelocks-basic-1"), other)
    shop = open_shop("jwt", "local", replace(port_book.free(), billing=taken), run_root=tmp_path)
    with pytest.raises(CannotRun) as refused:
        shop.up()
    assert refused.value.what == f"port {taken} (billing) is taken by fivelocks-basic-1, which is up"
    assert refused.value.mend.startswith(f"make down PATTERN=basic PORT_BASE={taken}, or")


@pytest.mark.parametrize("base", ["80", "65535", "many", "-1", "٩١٠٠", "9100.0", "9" * 5000])
def test_a_port_base_that_is_no_port_is_refused(base: str) -> None:
    with pytest.raises(CannotRun, match="PORT_BASE is a number from 1024 to 65530"):
        port_book.chosen({"PORT_BASE": base})


def test_ports_are_chosen_by_base_and_singly() -> None:
    assert port_book.chosen({"PORT_BASE": ""}) is None
    assert port_book.chosen({"PORT_GATEWAY": "8444"}) == Ports(gateway=8444)
    assert port_book.chosen({"PORT_BASE": "9100", "PORT_IDP": "9999"}) == Ports(9100, 9999, 9102, 9103, 9104, 9105)
    with pytest.raises(CannotRun, match="cannot share"):
        port_book.chosen({"PORT_ORDERS": "8443"})


def test_two_that_choose_free_ports_at_the_same_moment_do_not_choose_the_same() -> None:
    ask = "import sys; from compose.ports import own_share; print(list(own_share()), flush=True); sys.stdin.read()"
    taken = set(port_book.own_share())
    assert {port_book.free().of(name) for name in port_book.NAMES} <= taken < set(port_book.BELOW_EPHEMERAL)
    with ExitStack() as others:
        for _ in range(3):
            asked = subprocess.Popen([sys.executable, "-c", ask], cwd=REPO, stdin=PIPE, stdout=PIPE)
            theirs = set(json.loads(others.enter_context(asked).stdout.readline()))  # type: ignore[union-attr]  # it is a pipe
            assert theirs
            assert theirs.isdisjoint(taken)
            taken |= theirs


def test_whoever_asks_again_before_anybody_listens_is_not_given_the_same() -> None:
    given = [port for _ in range(20) for port in port_book.some(6)]
    assert len(set(given)) == len(given)
    assert all(len(set(port_book.some(6))) == 6 for _ in range(100))


def test_compose_without_an_engine_is_refused_and_the_other_runtime_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "trouble", lambda: "no Docker engine answers")
    shop = open_shop("jwt", "compose", "free", run_root=tmp_path)
    with pytest.raises(CannotRun, match="no Docker engine answers: start it, or do without: make up RUNTIME=local"):
        shop.up()
    assert not shop.dir.exists()


@pytest.mark.parametrize(
    ("word", "opened"),
    [(word, True) for word in ("1", "true", "Yes", "ON")] + [(word, False) for word in ("", "0", "FALSE", "no", "Off")],
)
def test_the_management_door_is_opened_by_a_yes_alone(tmp_path: Path, word: str, opened: bool) -> None:
    asked = {"PATTERN": "jwt", "RUNTIME": "local", "RUN_ROOT": str(tmp_path), "MANAGE": word}
    assert choice.shop_to_be(asked, print).manage is opened


@pytest.mark.parametrize("word", ["2", "nope", "disabled", "-"])
def test_neither_yes_nor_no_to_the_management_door_is_refused(tmp_path: Path, word: str) -> None:
    asked = {"PATTERN": "jwt", "RUNTIME": "local", "RUN_ROOT": str(tmp_path), "MANAGE": word}
    with pytest.raises(CannotRun, match=f"MANAGE={word} is neither yes nor no"):
        choice.shop_to_be(asked, print)


def test_the_default_runtime_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(engine, "trouble", lambda: "there is no docker command here")
    shop = choice.shop_to_be({"PATTERN": "jwt", "RUN_ROOT": str(tmp_path)}, said.append)
    assert (shop.runtime, said) == ("local", ["runtime: local, because there is no docker command here"])
    monkeypatch.setattr(engine, "trouble", lambda: None)
    assert choice.shop_to_be({"PATTERN": "jwt", "RUN_ROOT": str(tmp_path)}, said.append).runtime == "compose"


def test_a_shop_that_is_up_on_other_ports_is_not_accused_of_being_ill(tmp_path: Path) -> None:
    ports = replace(Ports.based(9400), idp=9500, orders=9501)
    shop = open_shop("jwt", "local", ports, tmp_path)
    remember.remember_shop(remember.private(shop.dir), remember.Known("jwt", "local", ports, 0.0))
    try:
        with pytest.raises(CannotRun) as refused:
            open_shop("jwt", "local", Ports.based(9400), tmp_path).up()
    finally:
        processes.end_marked(shop.dir)  # should it have come up after all
    assert refused.value.what == f"{shop.name} is up already, with idp on port 9500, orders on port 9501"
    assert refused.value.mend == f"make down {shop.meant}"
    assert shop.dir.exists()


def test_where_no_ports_are_named_the_shop_that_is_up_keeps_its_own(tmp_path: Path) -> None:
    asked, ports = {"PATTERN": "jwt", "RUN_ROOT": str(tmp_path)}, Ports(idp=9500)
    shop = open_shop("jwt", "local", ports, tmp_path)
    remember.remember_shop(remember.private(shop.dir), remember.Known("jwt", "local", ports, 0.0))
    assert choice.shop_to_be(asked, print).ports == ports
    assert choice.shop_to_be({**asked, "PORT_BASE": "9100"}, print).ports == Ports.based(9100)


def test_the_pattern_named_last_is_meant_and_of_its_shops_the_usual_one(tmp_path: Path) -> None:
    environ = {"RUN_ROOT": str(tmp_path)}
    remember.remember_pattern(tmp_path, "mtls")
    for ports, began in ((Ports(), 1.0), (Ports.based(9100), 2.0), (Ports.based(9200), 3.0)):
        directory = open_shop("mtls", "local", ports, tmp_path).dir
        remember.remember_shop(remember.private(directory), remember.Known("mtls", "local", ports, began))
    assert choice.shop_meant(environ).name == "fivelocks-mtls"
    assert choice.shop_meant({**environ, "PORT_BASE": "9100"}).name == "fivelocks-mtls-9100"
    shutil.rmtree(tmp_path / "fivelocks-mtls")
    assert choice.shop_meant(environ).name == "fivelocks-mtls-9200"
    with pytest.raises(CannotRun, match="no shop is up under jwt"):
        choice.shop_meant({**environ, "PATTERN": "jwt"})


def test_clients_trust_the_shops_that_are_up_and_no_other(tmp_path: Path) -> None:
    for name in ("fivelocks-jwt", "fivelocks-mtls"):
        (remember.private(tmp_path / name) / "ca.pem").write_text(name)
    remember.publish_trust(tmp_path)
    assert (tmp_path / "ca.pem").read_text() == "fivelocks-jwtfivelocks-mtls"
    for name in ("fivelocks-jwt", "fivelocks-mtls"):
        shutil.rmtree(tmp_path / name)
    remember.publish_trust(tmp_path)
    assert not (tmp_path / "ca.pem").exists()


def test_a_shop_that_ends_while_trust_is_published_is_trusted_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("fivelocks-jwt", "fivelocks-mtls"):
        (remember.private(tmp_path / name) / "ca.pem").write_text(name)
    found = Path.glob

    def just_before_one_ends(where: Path, pattern: str) -> list[Path]:
        paths = list(found(where, pattern))
        shutil.rmtree(tmp_path / "fivelocks-jwt")
        return paths

    monkeypatch.setattr(Path, "glob", just_before_one_ends)
    remember.publish_trust(tmp_path)
    assert (tmp_path / "ca.pem").read_text() == "fivelocks-mtls"


def test_packages_out_of_step_with_the_lock_are_named(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text('flask==0.1 \\\n    --hash=x\nnot-there==1.0\nnot-here==1 ; python_version < "3" \\\n    # via\n')
    different, missing = lockstep.differences(lock)
    assert different.startswith("flask ")
    assert different.endswith(" instead of 0.1")
    assert missing == "not-there 1.0 is missing"
