"""The identity provider as other people's tests borrow it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt as pyjwt
import psutil
import pytest
import requests

import idp
from idp import lending, visit
from idp.visit import NotLoggedIn

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def issuer() -> Iterator[idp.Issuer]:
    with idp.running(people={"alice": "wonderland", "zoë": 'a "b" & c'}) as issuer:
        yield issuer


def get(issuer: idp.Issuer, path: str, **more: Any) -> Any:
    answer = requests.get(f"{issuer}{path}", verify=str(issuer.ca_file), timeout=30, **more)
    assert answer.status_code == 200
    return answer.json()


def asked_about(issuer: idp.Issuer, token: str) -> Any:
    """What `api` is told about a token."""
    answer = requests.post(
        f"{issuer}/introspect",
        {"token": token},
        auth=("api", issuer.secrets["api"]),
        verify=str(issuer.ca_file),
        timeout=30,
    )
    assert answer.status_code == 200
    return answer.json()


def test_it_says_who_it_is(issuer: idp.Issuer) -> None:
    assert get(issuer, "/.well-known/openid-configuration")["issuer"] == str(issuer) == issuer.url


def test_a_token_is_signed_by_it(issuer: idp.Issuer) -> None:
    token = issuer.token("alice", "read")
    keys = pyjwt.PyJWKSet.from_dict(get(issuer, "/jwks"))
    key = keys[pyjwt.get_unverified_header(token)["kid"]]
    claims = pyjwt.decode(token, key.key, algorithms=["ES256"], audience="api", issuer=issuer.url)
    assert (claims["sub"], claims["scope"], claims["client_id"]) == ("alice", "read", "app")


def test_a_client_gets_all_that_there_is_to_get(issuer: idp.Issuer) -> None:
    found = issuer.tokens("zoë")
    assert set(found.scope.split()) == {"openid", "profile", "email", "offline_access", "read", "write"}
    assert found.id_token is not None
    assert found.refresh_token is not None
    told = get(issuer, "/userinfo", headers={"Authorization": f"Bearer {found.access_token}"})
    assert told == {"sub": "zoë", "name": "Zoë", "preferred_username": "zoë", "email": "zoë@idp.test"}


def test_what_is_taken_back_is_gone(issuer: idp.Issuer) -> None:
    token = issuer.token()
    assert asked_about(issuer, token)["active"]
    issuer.manage.revoke_token(token)
    assert asked_about(issuer, token) == {"active": False}


def test_whoever_is_unknown_gets_nothing(issuer: idp.Issuer) -> None:
    with pytest.raises(NotLoggedIn, match="nobody was not let in"):
        issuer.token("nobody")
    with pytest.raises(NotLoggedIn, match="scope"):
        issuer.token("alice", "everything")


def test_nothing_secret_is_shown_by_accident(issuer: idp.Issuer) -> None:
    shown = repr(issuer) + repr(issuer.tokens())
    assert not [secret for secret in (*issuer.passwords.values(), *issuer.secrets.values()) if secret in shown]
    assert "eyJ" not in shown


def test_the_example_of_the_readme_runs(tmp_path: Path) -> None:
    """With the fixture that it leaves to the reader: a service that asks what a token means."""
    readme = (ROOT / "README.md").read_text()
    example = re.search(r"```python\n(import idp.*?)```", readme, re.DOTALL)
    assert example
    (tmp_path / "test_example.py").write_text(example[1] + A_SERVICE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", "."]
    ran = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


A_SERVICE = """

import http.server, threading

@pytest.fixture
def my_service(issuer):
    class Service(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            told = requests.post(f"{issuer}/introspect", {"token": self.headers["Authorization"].split()[1]},
                                 auth=("my-service", my_secret), verify=str(issuer.ca_file), timeout=30)
            self.send_response(200 if told.json()["active"] else 401)
            self.end_headers()

    made = issuer.manage.add_client(client_id="my-service", name="Mine", auth_method="client_secret_basic",
        grant_types=[], scopes=[], audience=["my-service"], token_format="jwt", introspect=True)
    my_secret = made.client_secret
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
"""


def test_it_can_be_put_together_otherwise_and_leaves_nothing_behind() -> None:
    people, others = {"bob": "builder"}, set(psutil.Process().children(recursive=True))
    with idp.running(people=people, scopes=["pay"], audience="till", token_format="opaque") as issuer:
        token = issuer.token("bob")
        assert token.count(".") == 0
        assert asked_about(issuer, token) == {"active": False}  # `api` is not its audience
        directory, ours = issuer.ca_file.parent, set(psutil.Process().children(recursive=True)) - others
        assert len(ours) >= 4
    gone(ours, directory)


def test_what_it_says_before_it_fails_is_told() -> None:
    with pytest.raises(idp.CannotStart, match="redirect URI"), idp.running(redirect_uri="http://elsewhere.test/"):
        pass


def test_people_who_cannot_be_are_told_of() -> None:
    with pytest.raises(idp.CannotStart, match="a name has no colon"), idp.running(people={"a:b": "wonderland"}):
        pass


def test_nobody_else_is_given_its_ports_before_it_listens() -> None:
    with lending.two_ports() as ports:
        for port in ports:
            with socket.socket() as thief, pytest.raises(OSError, match="in use"):
                thief.bind(("127.0.0.1", port))
            with socket.create_server(("127.0.0.1", port)):
                pass


def test_it_ends_with_whoever_borrowed_it() -> None:
    """Killed, a test run cannot clean up: what it borrowed ends all the same."""
    program = "import idp, sys\nwith idp.running() as issuer:\n print(issuer.ca_file, flush=True)\n sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as borrower:
        assert borrower.stdout is not None
        directory = Path(borrower.stdout.readline().strip()).parent
        ours = psutil.Process(borrower.pid).children(recursive=True)
        assert (directory / "log").exists()
        assert ours
        os.kill(borrower.pid, signal.SIGKILL)
    gone(ours, directory)


def test_it_goes_with_whoever_is_killed_before_it_was_told_what_to_serve() -> None:
    """By then there are private keys in the directory."""
    program = """
import idp.lending, os, signal
def end(lent, what):
    print(lent.dir, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
idp.lending.Lent.tell = end
with idp.running():
    pass
"""
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=120)
    assert ran.returncode == -signal.SIGKILL
    directory = Path(ran.stdout.strip())
    assert directory.name.startswith("idp-")
    gone(serving(directory), directory)


def test_one_that_has_loaded_ahead_is_taken_and_no_other() -> None:
    others = set(psutil.Process().children())
    idp.load_ahead()
    (ahead,) = set(psutil.Process().children()) - others
    idp.load_ahead()  # one is enough
    with idp.running(people={"bob": "builder"}) as issuer:
        assert asked_about(issuer, issuer.token("bob"))["username"] == "bob"
        assert set(psutil.Process().children()) - others == {ahead}
    gone([ahead], issuer.ca_file.parent)


def test_one_that_died_while_it_waited_is_not_taken() -> None:
    others = set(psutil.Process().children())
    idp.load_ahead()
    (ahead,) = set(psutil.Process().children()) - others
    directory = Path(ahead.cmdline()[-1])
    ahead.kill()
    gone([ahead])
    with idp.running() as issuer:
        assert get(issuer, "/healthz")
        assert not directory.exists()


def test_one_that_dies_before_it_is_told_what_to_serve_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    died: list[Path] = []
    tell = lending.Lent.tell

    def kill_and_tell(lent: lending.Lent, what: Mapping[str, Any]) -> None:
        died.append(lent.dir)
        lent.process.kill()
        lent.process.wait()
        tell(lent, what)

    monkeypatch.setattr(lending.Lent, "tell", kill_and_tell)
    with pytest.raises(idp.CannotStart, match="it says nothing"), idp.running():
        pass
    assert not died[0].exists()


@pytest.mark.parametrize("end", ["pass", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_one_that_nobody_takes_ends_with_whoever_had_it_load(end: str) -> None:
    program = f"""
import idp, os, signal
from idp import lending
idp.load_ahead()
print(lending._ahead[os.getpid()].dir, flush=True)
{end}
"""
    command = [sys.executable, "-W", "error", "-c", program]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ran.stderr == ""
    directory = Path(ran.stdout.strip())
    assert directory.name.startswith("idp-")
    gone(serving(directory), directory)


def test_one_that_has_loaded_ahead_is_not_shared_with_a_fork() -> None:
    program = """
import idp, os
idp.load_ahead()
child = os.fork()
with idp.running() as issuer:
    print(os.getpid(), issuer.ca_file.parent, flush=True)
if child:
    os.waitpid(child, 0)
"""
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ran.stderr == ""
    pids, directories = zip(*(line.split() for line in ran.stdout.splitlines()), strict=True)
    assert len(set(pids)) == len(set(directories)) == 2
    for directory in map(Path, directories):
        gone(serving(directory), directory)


@pytest.mark.parametrize("arguments", [[], ["."]])
def test_nobody_else_can_have_it_serve_nor_remove_a_directory(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "log").touch()
    command, environ = [sys.executable, "-m", "idp", "lent", *arguments], {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        command, cwd=tmp_path, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
    )
    assert (ran.returncode, ran.stderr) == (1, "idp: `lent` is for idp.fixture alone, which makes what it serves\n")
    assert tmp_path.exists()


def test_where_there_shall_be_nobody_there_is_nobody() -> None:
    with idp.running(people={}) as issuer, pytest.raises(NotLoggedIn, match="alice was not let in"):
        visit.tokens(replace(issuer, passwords={"alice": "wonderland"}), "alice", "read")


def serving(directory: Path) -> list[psutil.Process]:
    """The processes that were told to serve what is in there."""
    return [each for each in psutil.process_iter(["cmdline"]) if str(directory) in (each.info["cmdline"] or [])]


def gone(processes: Iterable[psutil.Process], *directories: Path) -> None:
    """Return when neither these processes are there any more nor these directories."""
    deadline = time.monotonic() + 20
    while any(directory.exists() for directory in directories) or any(alive(process) for process in processes):
        assert time.monotonic() < deadline
        time.sleep(0.02)  # not all are our children: there is nothing to wait on but the next look


def alive(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False
