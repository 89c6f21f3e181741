"""The identity provider as a process: what it is told, what it keeps, and several of it at once."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest
import requests
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError

from compose import ports
from idp import key_files, keys, settings
from idp.__main__ import main
from idp.clients import Clients
from scenarios.levers import suspend
from services import health
from services.adapter import PeerAdapter
from services.following import LOOK_EVERY
from services.identity import StoreUnavailable
from tests.idp_support import CALLBACK, EXCHANGE, PASSWORDS, VERIFIER, Idp, a_client, header_of, secret_of

pytest_plugins = ("tests.postgres",)

ROOT = Path(__file__).parent.parent


class TestSettings:
    """What a process is told from outside."""

    ENVIRONMENT = (
        ("SHOP_DIR", "/shop"),
        ("SHOP_ISSUER", "https://idp.localhost:9443"),
        ("SHOP_PORT", "9443"),
        ("SHOP_PATTERN", "jwt"),
        ("SHOP_PEERS", "{}"),
        ("SHOP_EDGE", "https://localhost:8443"),
    )

    @pytest.fixture
    def environment(self, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
        for name in [name for name in os.environ if name.startswith("SHOP_") or name == "DATABASE_URL"]:
            monkeypatch.delenv(name)
        for name, value in self.ENVIRONMENT:
            monkeypatch.setenv(name, value)
        return monkeypatch

    def test_everything_has_its_place(self, environment: pytest.MonkeyPatch) -> None:
        found = settings.from_environ()
        assert found.clients_file == Path("/shop/idp/secrets/clients.json")
        assert found.data_dir == Path("/shop/idp/data")
        assert found.users_file == Path("/shop/users/users.db")
        assert found.cookie_name == "__Host-idp-9443"

    def test_a_misspelt_setting_is_named(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("SHOP_ISUER", "https://x")
        with pytest.raises(settings.BadSettings, match="SHOP_ISUER"):
            settings.from_environ()

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("SHOP_ISSUER", "http://idp"),
            ("SHOP_ISSUER", "https://idp/"),
            ("SHOP_ISSUER", "https://idp?x"),
            ("SHOP_PORT", "0"),
            ("SHOP_PORT", "secret-1234"),
        ],
    )
    def test_a_wrong_setting_is_named_not_echoed(self, environment: pytest.MonkeyPatch, name: str, value: str) -> None:
        environment.setenv(name, value)
        with pytest.raises(settings.BadSettings, match=name.removeprefix("SHOP_").lower()) as refusal:
            settings.from_environ()
        assert value not in str(refusal.value)


PUBLIC = {"auth_method": "none", "secret_sha256": None, "grant_types": ["authorization_code"], "introspect": False}


class TestClients:
    """The file of registered clients."""

    def test_a_public_client_makes_sense(self, tmp_path: Path) -> None:
        assert self.clients(tmp_path, a_client("web") | PUBLIC).get("web")

    def test_what_cannot_be_read_at_this_moment_is_read_at_the_next(self, tmp_path: Path) -> None:
        clients = self.clients(tmp_path, a_client("one"))
        (tmp_path / "clients.json").write_text("[]")
        with mock.patch.object(Path, "read_bytes", side_effect=OSError(errno.EMFILE, "no handle is free")):
            assert clients.get("one")
        assert not clients.get("one")

    def test_a_change_counts_within_moments_though_not_each_request_looks(self, tmp_path: Path) -> None:
        self.clients(tmp_path, a_client("old"))
        clients = Clients(tmp_path / "clients.json")
        assert_seldom_looks(lambda: clients.get("old"))
        self.clients(tmp_path, a_client("new"))
        wait_until(lambda: clients.get("new") is not None)
        assert clients.get("old") is None

    def clients(self, tmp_path: Path, *clients: dict[str, Any]) -> Clients:
        (tmp_path / "draft").write_text(json.dumps(clients))
        return Clients((tmp_path / "draft").replace(tmp_path / "clients.json"), look_every=0)

    @pytest.mark.parametrize(
        "changes",
        [
            {"secret_sha256": None},
            {"secret_sha256": []},
            {"secret_sha256": ["0" * 64, "0" * 63]},
            {"secret_sha256": ["0" * 64, "1" * 64, "2" * 64]},
            PUBLIC | {"secret_sha256": "0" * 64},
            PUBLIC | {"grant_types": ["client_credentials"]},
            PUBLIC | {"grant_types": [EXCHANGE]},
            {"grant_types": [EXCHANGE]},
            PUBLIC | {"introspect": True},
            {"auth_method": "client_secret_post"},
            {"redirect_uris": ["http://shop.test/callback"]},
            {"redirect_uris": ["https://shop.test/callback#x"]},
            {"redirect_uris": ["https://*"]},
            {"grant_types": ["password"]},
            {"signing_alg": "HS256"},
            {"signing_alg": "none"},
            {"client_id": "Gate Way"},
            {"audience": []},
            {"secret": "in the clear"},
        ],
        ids=str,
    )
    def test_a_registration_that_makes_no_sense_is_refused(self, tmp_path: Path, changes: dict[str, Any]) -> None:
        with pytest.raises(ValidationError) as refusal:
            self.clients(tmp_path, {**a_client("web"), **changes})
        assert "in the clear" not in str(refusal.value)

    def test_a_change_counts_at_once_and_a_broken_file_changes_nothing(self, tmp_path: Path) -> None:
        clients = self.clients(tmp_path, a_client("web"))
        self.clients(tmp_path, a_client("web"), a_client("new"))
        assert clients.get("new") is not None
        (tmp_path / "clients.json").write_text("{")
        assert clients.get("new") is not None
        (tmp_path / "clients.json").unlink()
        assert clients.get("web") is not None


class TestSigningKeys:
    """Made once, kept to ourselves, held as objects."""

    def test_they_are_made_once_and_for_us_alone(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(key_files, "_new_rsa", lambda: b"an RSA key, slow to make")
        key_files.create(tmp_path / "data")
        made = {path.name: path.read_bytes() for path in (tmp_path / "data").iterdir()}
        key_files.create(tmp_path / "data")
        assert {path.name: path.read_bytes() for path in (tmp_path / "data").iterdir()} == made
        assert set(made) == {"signing-ES256.pem", "signing-RS256.pem"}
        assert {path.stat().st_mode & 0o777 for path in (tmp_path / "data").iterdir()} == {0o600}
        assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700

    def test_who_comes_second_takes_what_is_there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def overtaken() -> bytes:
            (tmp_path / "signing-ES256.pem").write_bytes(b"theirs")
            return b"ours"

        monkeypatch.setattr(key_files, "_new_ec", overtaken)
        monkeypatch.setattr(key_files, "_new_rsa", lambda: b"")
        key_files.create(tmp_path)
        assert (tmp_path / "signing-ES256.pem").read_bytes() == b"theirs"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["signing-ES256.pem", "signing-RS256.pem"]

    def test_no_key_is_read_again_for_a_signature(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        with Idp(tmp_path_factory) as idp:
            for name in ("signing-ES256.pem", "signing-RS256.pem"):
                (idp.directory / "idp/data" / name).unlink()
            assert idp.tokens(client="portal")["id_token"]
            assert idp.tokens(client="gateway")["id_token"]

    def test_every_worker_sees_by_itself_that_they_changed(self, tmp_path: Path) -> None:
        key_files.create(tmp_path)
        workers = [keys.Keys(tmp_path, look_every=0), keys.Keys(tmp_path, look_every=0)]

        def known() -> list[set[str]]:
            found = [{key["kid"] for key in worker.public["keys"] if key["alg"] == "ES256"} for worker in workers]
            assert found[0] == found[1]
            return found

        [old] = known()[0]
        token = workers[0].sign({"sub": "alice"}, "ES256", "JWT")
        key_files.publish_ahead(tmp_path, "ES256")
        [new] = known()[0] - {old}
        assert [header_of(worker.sign({}, "ES256", "JWT"))["kid"] for worker in workers] == [old, old]
        key_files.rotate(tmp_path, "ES256", overlap=True)
        assert [header_of(worker.sign({}, "ES256", "JWT"))["kid"] for worker in workers] == [new, new]
        assert workers[1].verify(token, "JWT") == {"sub": "alice"}
        key_files.withdraw(tmp_path, old)
        assert known()[0] == {new}
        with pytest.raises(keys.BadToken):
            workers[1].verify(token, "JWT")

    def test_a_change_counts_within_moments_though_not_each_signature_looks(self, tmp_path: Path) -> None:
        key_files.create(tmp_path)
        signing, other = keys.Keys(tmp_path), keys.Keys(tmp_path)
        assert_seldom_looks(signing.ring)
        old = signing.public
        key_files.rotate(tmp_path, "ES256", overlap=False)
        wait_until(lambda: signing.ring().public != old)
        assert header_of(signing.sign({}, "ES256", "JWT"))["kid"] not in {key["kid"] for key in old["keys"]}
        assert other.public == signing.public

    def test_whoever_asks_for_the_keys_gets_those_that_sign_already_at_another_worker(self, tmp_path: Path) -> None:
        """Who verifies asks when it is shown a name that it does not know, and then not again for a while."""
        key_files.create(tmp_path)
        signing, other = keys.Keys(tmp_path, look_every=0), keys.Keys(tmp_path, look_every=3600)
        other.ring()
        key_files.rotate(tmp_path, "ES256", overlap=True)
        kid = header_of(signing.sign({}, "ES256", "JWT"))["kid"]
        assert kid in {key["kid"] for key in other.public["keys"]}

    def test_a_rotation_that_was_cut_off_goes_on(self, tmp_path: Path) -> None:
        key_files.create(tmp_path)
        cut = mock.patch.object(os, "replace", side_effect=InterruptedError)
        with cut, pytest.raises(InterruptedError):
            key_files.rotate(tmp_path, "ES256", overlap=True)
        key_files.rotate(tmp_path, "ES256", overlap=True)
        states = [file.state for file in key_files.found(tmp_path) if file.algorithm == "ES256"]
        assert sorted(states) == ["retired", "signing"]
        keys.Keys(tmp_path)

    def test_a_new_file_is_seen_though_it_bears_the_number_of_one_that_is_gone(self, tmp_path: Path) -> None:
        key_files.create(tmp_path)
        worker, path = keys.Keys(tmp_path, look_every=0), tmp_path / "signing-ES256.pem"
        old, key = worker.public, key_files.new("ES256").as_pem(private=True)
        path.write_bytes(key)  # in place: the same name and the same number, as a file may have that comes after two
        moments_ago = time.time_ns() - 10**9
        os.utime(path, ns=(moments_ago, moments_ago))
        os.utime(tmp_path)
        assert worker.public != old

    def test_what_cannot_be_read_at_this_moment_is_read_at_the_next(self, tmp_path: Path) -> None:
        key_files.create(tmp_path)
        worker = keys.Keys(tmp_path, look_every=0)
        old = worker.public
        key_files.rotate(tmp_path, "ES256", overlap=False)
        a_while_ago = time.time_ns() - 10**9  # else it would be looked at again anyway
        os.utime(tmp_path, ns=(a_while_ago, a_while_ago))
        with mock.patch.object(keys, "Ring", side_effect=OSError(errno.EMFILE, "no handle is free")):
            assert worker.public == old
        assert worker.public != old

    def test_a_change_is_seen_though_it_bears_the_time_of_the_one_before(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(keys, "TICK_NANOSECONDS", 10**12)  # however long this takes on a busy machine
        key_files.create(tmp_path)
        worker = keys.Keys(tmp_path, look_every=0)
        key_files.publish_ahead(tmp_path, "ES256")
        stamp = tmp_path.stat()
        assert len(worker.public["keys"]) == 3
        [ahead] = [file.path for file in key_files.found(tmp_path) if file.state == "ahead"]
        ahead.unlink()
        os.utime(tmp_path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        assert len(worker.public["keys"]) == 2

    def test_the_command_does_the_same_and_says_what_there_is(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name, value in {"DIR": str(tmp_path), "ISSUER": "https://idp.test:9443", "PORT": "9443"}.items():
            monkeypatch.setenv(f"SHOP_{name}", value)
        key_files.create(tmp_path / "idp" / "data")

        def command(*words: str) -> dict[str, str]:
            monkeypatch.setattr(sys, "argv", ["idp", "keys", *words])
            with pytest.raises(SystemExit) as ended:
                main()
            assert ended.value.code is None
            return {
                key["kid"]: key["state"] for key in json.loads(capsys.readouterr().out) if key["algorithm"] == "ES256"
            }

        [old] = command("list")
        [new] = command("publish").keys() - {old}
        assert command("rotate") == {new: "signing", old: "retired"}
        assert command("withdraw", "--", old) == {new: "signing"}
        for words in (["withdraw", "--", new], ["withdraw", "--", old], ["rotate", "HS256"]):
            monkeypatch.setattr(sys, "argv", ["idp", "keys", *words])
            with pytest.raises(SystemExit) as ended:
                main()
            assert str(ended.value.code).startswith("idp: ")


class TestHealth:
    """Alive, and able to serve: two questions."""

    @pytest.fixture
    def idp(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Idp]:
        with Idp(tmp_path_factory) as idp:
            yield idp

    @pytest.mark.parametrize("path", ["/healthz", "/readyz"])
    def test_all_is_well(self, idp: Idp, path: str) -> None:
        assert idp.get(path).get_json() == {"status": "ok"}

    def test_without_a_certificate_it_is_alive_but_not_ready(self, idp: Idp) -> None:
        (idp.directory / "idp/tls/leaf.pem").unlink()
        assert idp.get("/healthz").status_code == 200
        assert idp.get("/readyz").status_code == 503

    def test_without_the_people_it_is_not_ready(self, idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
        def gone(_: str) -> None:
            raise StoreUnavailable

        monkeypatch.setattr(idp.users, "get", gone)
        assert idp.get("/readyz").status_code == 503

    def test_without_a_store_it_is_not_ready(self, idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
        def gone() -> None:
            raise OperationalError("", None, Exception("disk I/O error"))

        monkeypatch.setattr(idp.provider.store, "reading", gone)
        assert idp.get("/readyz").status_code == 503


class Process:
    """`python -m idp serve`, as it runs in the shop: two workers, TLS, a store on disk or in PostgreSQL."""

    CHILDREN = 2
    """Its workers."""

    def __init__(self, directory: Path, database_url: str | None = None) -> None:
        self.database_url = database_url
        self.ports = ports.free()
        self.port = self.ports.idp
        self.directory = directory
        self.issuer = f"https://localhost:{self.port}"
        self.bundle = str(directory / "idp/tls/bundle.pem")
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.mount(self.issuer, PeerAdapter("idp"))
        self.start()

    def start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SHOP_")}
        environment |= {
            "SHOP_DIR": str(self.directory),
            "SHOP_ISSUER": self.issuer,
            "SHOP_PORT": str(self.port),
            "SHOP_PATTERN": "oauth2",
            "PYTHONPATH": str(ROOT),
        }
        environment |= {"DATABASE_URL": self.database_url} if self.database_url else {}
        with (self.directory / "idp.log").open("ab") as log:
            command = [sys.executable, "-m", "idp", "serve"]
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=ROOT)
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        """It answers as soon as one worker does, and the others come up a moment later."""
        deadline = time.monotonic() + 60
        while not self._answers() or len(children(self.process.pid)) < self.CHILDREN:
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail((self.directory / "idp.log").read_text())
            time.sleep(0.02)  # nothing to wait on before it listens

    def _answers(self) -> bool:
        try:
            health.knock(self.issuer, self.directory / "idp/tls")
        except OSError:
            return False
        return True

    def stop(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)
        self.process.wait(20)

    def send(self, method: str, path: str, **arguments: Any) -> requests.Response:
        url = self.issuer + path
        return self.session.request(method, url, verify=self.bundle, allow_redirects=False, timeout=20, **arguments)

    def as_client(self, path: str, **form: str) -> requests.Response:
        return self.send("POST", path, data=form, auth=("gateway", secret_of("gateway")))

    def code(self, who: str) -> str:
        """A code for `who`, whose browser is our session."""
        response = self.send("GET", Idp.request())
        if response.headers["Location"].startswith("/login?"):
            page = response.headers["Location"]
            found = re.search(r'name="csrf" value="([^"]+)"', self.send("GET", page).text)
            form = {"username": who, "password": PASSWORDS[who], "csrf": found[1] if found else ""}
            response = self.send("GET", self.send("POST", page, data=form).headers["Location"])
        return parse_qs(urlsplit(response.headers["Location"]).query)["code"][0]

    def redeem(self, code: str) -> requests.Response:
        form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return self.as_client("/token", code=code, **form)

    def refresh(self, refresh_token: str) -> requests.Response:
        return self.as_client("/token", grant_type="refresh_token", refresh_token=refresh_token)

    def is_dead(self, tokens: dict[str, str]) -> bool:
        """Whether neither of these tokens is any good."""
        seen = self.as_client("/introspect", token=tokens["access_token"]).json()
        return seen == {"active": False} and self.refresh(tokens["refresh_token"]).status_code == 400

    @contextmanager
    def only(self, worker: str) -> Iterator[None]:
        """Have this one of the workers answer, since the other one sleeps meanwhile; on connections that are new."""
        [other] = [int(pid) for pid in children(self.process.pid) if pid != worker]
        for adapter in self.session.adapters.values():
            adapter.close()
        suspend(psutil.Process(other))
        try:
            yield
        finally:
            os.kill(other, signal.SIGCONT)
            for adapter in self.session.adapters.values():
                adapter.close()


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with Idp(tmp_path_factory) as idp:
        process = Process(idp.directory)
    yield process
    process.session.close()
    process.stop()


@pytest.fixture(scope="module")
def on_postgres(tmp_path_factory: pytest.TempPathFactory, shared_postgres: str) -> Iterator[Process]:
    """The same, with PostgreSQL for a store."""
    with Idp(tmp_path_factory, shared_postgres) as idp:
        process = Process(idp.directory, shared_postgres)
    yield process
    process.session.close()
    process.stop()


@pytest.fixture(params=["process", "on_postgres"], ids=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest) -> Process:
    """Two workers, on either store."""
    found: Process = request.getfixturevalue(request.param)
    return found


def at_once(*asks: Callable[[], requests.Response]) -> list[requests.Response]:
    """What is answered to all of them, sent in the same moment."""
    ready = threading.Barrier(len(asks))

    def ask(one: Callable[[], requests.Response]) -> requests.Response:
        ready.wait(20)
        return one()

    with ThreadPoolExecutor(len(asks)) as pool:
        return list(pool.map(ask, asks))


class TestAtOnce:
    """OAS-32: one code or refresh token in many hands at once (RFC 6749 §4.1.2, RFC 9700 §4.14.2, ASVS 15.4.2)."""

    ROUNDS = range(3)

    def won(self, answers: list[requests.Response]) -> list[dict[str, str]]:
        """What those got who got something; all others are refused for the grant, and for nothing else."""
        refused = [answer for answer in answers if answer.status_code != 200]
        assert {(answer.status_code, answer.json()["error"]) for answer in refused} == {(400, "invalid_grant")}
        return [answer.json() for answer in answers if answer.status_code == 200]

    def test_of_eight_who_redeem_a_code_one_succeeds_and_gains_nothing(self, either: Process) -> None:
        for _ in self.ROUNDS:
            code = either.code("alice")
            [tokens] = self.won(at_once(*[lambda code=code: either.redeem(code)] * 8))
            assert either.is_dead(tokens)

    def test_of_eight_who_refresh_one_succeeds_and_the_family_dies(self, either: Process) -> None:
        for _ in self.ROUNDS:
            first = either.redeem(either.code("alice")).json()
            [second] = self.won(at_once(*[lambda token=first["refresh_token"]: either.refresh(token)] * 8))
            assert either.is_dead(first)
            assert either.is_dead(second)

    def test_a_replay_beside_a_refresh_leaves_nothing_alive(self, either: Process) -> None:
        for _ in self.ROUNDS:
            code = either.code("alice")
            first = either.redeem(code).json()
            replays = [lambda code=code: either.redeem(code)] * 4
            refreshes = [lambda token=first["refresh_token"]: either.refresh(token)] * 4
            for tokens in [first, *self.won(at_once(*replays, *refreshes))]:
                assert either.is_dead(tokens)

    def test_what_one_worker_has_redeemed_is_spent_at_the_other(self, either: Process) -> None:
        here, there = children(either.process.pid)
        code = either.code("alice")
        with either.only(here):
            tokens = either.redeem(code).json()
        with either.only(there):
            assert either.redeem(code).status_code == 400
        with either.only(here):
            assert either.is_dead(tokens)

    def test_what_one_worker_has_refreshed_is_spent_at_the_other(self, either: Process) -> None:
        here, there = children(either.process.pid)
        first = either.redeem(either.code("alice")).json()
        with either.only(here):
            second = either.refresh(first["refresh_token"]).json()
        with either.only(there):
            assert either.refresh(first["refresh_token"]).status_code == 400
        with either.only(here):
            assert either.is_dead(second)


class TestProcess:
    """Several workers, and a restart."""

    def test_many_at_once_are_all_served(self, process: Process) -> None:
        with ThreadPoolExecutor(8) as pool:
            form = {"grant_type": "client_credentials"}
            answers = list(pool.map(lambda _: process.as_client("/token", **form), range(64)))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json()["access_token"] for answer in answers}) == 64

    def test_everything_is_still_known_after_a_crash(self, process: Process) -> None:
        tokens = process.redeem(process.code("alice")).json()
        published = process.send("GET", "/jwks").json()
        workers = [int(pid) for pid in children(process.process.pid)]
        process.stop(signal.SIGKILL)
        wait_until_gone(workers)
        process.start()
        assert process.send("GET", "/jwks").json() == published
        assert process.as_client("/introspect", token=tokens["access_token"]).json()["sub"] == "alice"
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        assert process.as_client("/token", **form).status_code == 200
        assert process.send("GET", Idp.request()).headers["Location"].startswith(CALLBACK)

    def test_every_line_of_the_log_is_a_json_object_without_a_secret(self, process: Process) -> None:
        tokens = process.redeem(process.code("alice")).json()
        log = (process.directory / "idp.log").read_text()
        assert all(isinstance(json.loads(line), dict) for line in log.splitlines())
        for secret in (tokens["access_token"], tokens["refresh_token"], PASSWORDS["alice"], secret_of("gateway")):
            assert secret not in log


def assert_seldom_looks(act: Callable[[], object]) -> None:
    """The file system is asked now and then, however often this is done."""
    began = time.monotonic()
    with mock.patch.object(os, "stat", wraps=os.stat) as looked:
        for _ in range(1000):
            act()
    assert 1 <= looked.call_count <= 1 + (time.monotonic() - began) / LOOK_EVERY


def children(pid: int) -> list[str]:
    """The processes that `pid` started (Linux)."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def wait_until(reached: Callable[[], bool]) -> None:
    """Processes do what a signal says within moments; they are not our children, so there is nothing to wait on."""
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline, "a worker does not do what it was told"
        time.sleep(0.01)


def wait_until_gone(pids: list[int]) -> None:
    """Workers notice within moments that their master was killed."""
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


def test_a_wrong_environment_is_told_in_one_sentence() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SHOP_")}
    command = [sys.executable, "-m", "idp", "serve"]
    run = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert run.returncode == 1
    assert run.stderr.startswith("idp: ")
    assert "Traceback" not in run.stderr
