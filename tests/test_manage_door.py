"""The management door: shut unless asked for, open to this machine alone, and all that it says of itself is true."""

from __future__ import annotations

import inspect
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from pydantic import ValidationError

from idp.manage import client
from idp.manage.client import Manager, Refused, to, via
from idp.manage.operations import OPERATIONS
from scenarios.levers import suspend
from tests.idp_support import Idp, settings_for
from tests.loopback import nobody
from tests.manage_support import DOOR, ManagedIdp
from tests.test_idp_server import ROOT, Process, children, wait_until_gone


@pytest.fixture(scope="module")
def idp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedIdp]:
    with ManagedIdp(tmp_path_factory) as idp:
        yield idp


class TestOff:
    """As it is unless somebody asks."""

    @pytest.mark.parametrize("port", [None, ""])
    def test_without_a_port_there_is_no_door(self, tmp_path: Path, port: str | None) -> None:
        assert settings_for(tmp_path, manage_port=port).manage_port is None

    def test_nothing_of_it_is_read_while_it_is_off(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        """In a process of its own, since this one has read it already."""
        with Idp(tmp_path_factory) as plain:
            code = (
                "import sys, pathlib; from idp import prepare, serve; from idp.settings import Settings\n"
                f"settings = Settings(dir={str(plain.directory)!r}, issuer='https://localhost:9443', port=9443)\n"
                "prepare.prepare(settings); serve._open_the_door(settings)(); app = serve.create_app(settings)\n"
                "print([name for name in sys.modules if name.startswith('idp.manage')], app.extensions['idp'])"
            )
            run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30)
        assert run.stdout.startswith("[] <idp.provider.Provider "), run.stderr

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1", "127.0.0.1.evil.test", "127.0.0.1 "])
    @pytest.mark.parametrize("port", [9444, None])
    def test_it_never_opens_elsewhere(self, tmp_path: Path, host: str, port: int | None) -> None:
        with pytest.raises(ValidationError, match=r"opens on 127\.0\.0\.1 and nowhere else"):
            settings_for(tmp_path, manage_port=port, manage_host=host)

    def test_it_has_a_port_of_its_own(self, tmp_path: Path) -> None:
        with pytest.raises(ValidationError, match="port of its own"):
            settings_for(tmp_path, manage_port=9443)

    def test_a_public_bind_keeps_the_server_from_starting(self, tmp_path: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SHOP_")}
        environment |= {"SHOP_DIR": str(tmp_path), "SHOP_ISSUER": "https://localhost:9443", "SHOP_PORT": "9443"}
        environment |= {"SHOP_MANAGE_PORT": "9444", "SHOP_MANAGE_HOST": "0.0.0.0"}
        command = [sys.executable, "-m", "idp", "serve"]
        run = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=30)
        assert run.returncode == 1
        assert "the management door opens on 127.0.0.1 and nowhere else" in run.stderr
        assert "Traceback" not in run.stderr


class TestWhomItLetsIn:
    """Programs on this machine, and no page."""

    def test_a_program_on_this_machine(self, idp: ManagedIdp) -> None:
        assert idp.knock("GET", "/clock").status_code == 200
        assert idp.knock("GET", "/clock", headers={"Host": "localhost:9444"}).status_code == 200

    @pytest.mark.parametrize(
        "host", ["evil.test:9444", "127.0.0.1.evil.test", "localhost.evil.test:9444", "0.0.0.0:9444", "[::1", "", "a b"]
    )
    def test_a_name_that_an_attacker_points_here_is_not_ours(self, idp: ManagedIdp, host: str) -> None:
        assert idp.knock("GET", "/clock", headers={"Host": host}).status_code in {400, 421}

    @pytest.mark.parametrize("origin", ["https://evil.test", "http://localhost:9444", "http://127.0.0.1:9999", "null"])
    def test_a_page_of_another_origin_is_refused(self, idp: ManagedIdp, origin: str) -> None:
        assert idp.knock("POST", "/reset", headers={"Origin": origin}).status_code == 403

    def test_our_own_page_may_ask(self, idp: ManagedIdp) -> None:
        asked = {"Origin": DOOR, "Sec-Fetch-Site": "same-origin"}
        assert idp.knock("GET", "/clock", headers=asked).status_code == 200

    @pytest.mark.parametrize("site", ["cross-site", "same-site"])
    def test_what_a_page_elsewhere_loads_is_refused(self, idp: ManagedIdp, site: str) -> None:
        assert idp.knock("GET", "/journal", headers={"Sec-Fetch-Site": site}).status_code == 403

    @pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", ""])
    def test_what_a_form_can_send_is_refused(self, idp: ManagedIdp, media: str) -> None:
        assert idp.knock("POST", "/reset", headers={"Content-Type": media}).status_code == 415

    def test_no_answer_may_be_read_kept_or_framed_elsewhere(self, idp: ManagedIdp) -> None:
        answer = idp.knock("GET", "/clock", headers={"Origin": DOOR})
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


class TestWhatItTakes:
    """JSON of a known shape, and a sentence for all else."""

    @pytest.mark.parametrize(
        ("path", "body", "status"),
        [
            ("/clock/advance", {"seconds": "60"}, 422),
            ("/clock/advance", {"seconds": 60, "more": 1}, 422),
            ("/clock/advance", {"seconds": 1e12}, 422),
            ("/clock/advance", {}, 422),
            ("/clock/advance", [], 422),
            ("/nowhere", {}, 404),
            ("/clock", {}, 405),
        ],
    )
    def test_anything_else_is_refused(self, idp: ManagedIdp, path: str, body: Any, status: int) -> None:
        response = idp.knock("POST", path, body)
        assert response.status_code == response.get_json()["status"] == status
        assert response.mimetype == "application/problem+json"

    def test_what_is_not_json_is_refused(self, idp: ManagedIdp) -> None:
        for text in ("{", '{"seconds": 1, "seconds": 2}', '{"seconds": NaN}'):
            answer = idp.door.test_client().post(
                "/clock/advance", base_url=DOOR, data=text, content_type="application/json"
            )
            assert answer.status_code == 400

    def test_a_body_is_not_without_bounds(self, idp: ManagedIdp) -> None:
        assert idp.knock("POST", "/people", {"name": "x" * 70_000}).status_code == 413

    def test_a_body_of_untold_length_is_not_cut_off(self, idp: ManagedIdp) -> None:
        untold = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
        answer = idp.door.test_client().post(
            "/clock/advance",
            base_url=DOOR,
            data=b'{"seconds": 1}'.ljust(70_000),
            content_type="application/json",
            environ_overrides=untold,
        )
        assert answer.status_code == 413

    def test_a_password_that_is_refused_is_not_echoed(self, idp: ManagedIdp) -> None:
        answer = idp.knock("POST", "/people", {"name": "dora", "password": ["hunter2"]})
        assert answer.status_code == 422
        assert "hunter2" not in answer.text

    def test_a_query_is_held_to_its_shape(self, idp: ManagedIdp) -> None:
        assert idp.knock("GET", "/journal?trace=x").status_code == 422
        assert idp.knock("GET", "/journal?nonsense=1").status_code == 422


class TestWhatItSaysOfItself:
    """The page and the OpenAPI document."""

    def test_the_document_describes_every_operation_and_no_other(self, idp: ManagedIdp) -> None:
        document = idp.knock("GET", "/openapi.json").get_json()
        described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
        served = {
            (method, re.sub(r"<(\w+)>", r"{\1}", rule.rule))
            for rule in idp.door.url_map.iter_rules()
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        }
        assert document["openapi"].startswith("3.1.")
        assert served - described == {("GET", "/"), ("GET", "/openapi.json"), ("GET", "/static/<path:filename>")}
        assert not described - served

    def test_the_document_is_whole(self, idp: ManagedIdp) -> None:
        text = idp.knock("GET", "/openapi.json").text
        document = json.loads(text)
        schemas = document["components"]["schemas"]
        assert set(re.findall(r'"#/components/schemas/(\w+)"', text)) <= schemas.keys()
        operations = [each for methods in document["paths"].values() for each in methods.values()]
        assert len({each["operationId"] for each in operations}) == len(operations) == len(OPERATIONS)
        for each in operations:
            assert each["summary"]
            assert {"200", "default"} == each["responses"].keys()
        fault = schemas["Fault"]["properties"]
        assert "/introspect" in fault["endpoint"]["enum"]
        parameters = {each["name"] for each in document["paths"]["/journal"]["get"]["parameters"]}
        assert parameters == {"trace", "endpoint", "client", "after", "limit"}
        (name,) = document["paths"]["/people/{name}/disable"]["post"]["parameters"]
        assert (name["in"], name["required"]) == ("path", True)

    def test_the_page_lists_every_operation_and_needs_nothing_from_elsewhere(self, idp: ManagedIdp) -> None:
        page = idp.knock("GET", "/").text
        for each in OPERATIONS:
            assert f"<code>{each.method} {each.path}</code>" in page
        assert "<script" not in page
        links = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert links == ["/static/idp.css", "/openapi.json"]
        for link in links:
            with idp.knock("GET", link) as answer:
                assert answer.status_code == 200

    def test_the_client_has_a_method_for_every_operation(self) -> None:
        """Whatever a method is given, it asks for an operation that there is."""
        asked: set[tuple[str, str]] = set()

        class Heard(Exception):
            pass

        def listen(method: str, path: str, _: Any) -> Any:
            asked.add((method, re.sub(r"/x(/|$)", r"/{}\1", path.partition("?")[0])))
            raise Heard

        manager = Manager(listen)
        for name, method in inspect.getmembers(manager, inspect.ismethod):
            if name != "__init__":
                needed = [p for p in inspect.signature(method).parameters.values() if p.default is p.empty]
                with pytest.raises(Heard):
                    method(*("x" for p in needed if p.kind is p.POSITIONAL_OR_KEYWORD))
        assert asked == {(each.method, re.sub(r"\{\w+\}", "{}", each.path)) for each in OPERATIONS}


class Beside(Process):
    """A server with a door beside it."""

    CHILDREN = 3
    """Two workers and the door."""

    @property
    def manage(self) -> int:
        """Where its door is."""
        return self.ports.manage

    def start(self) -> None:
        """As the parent does, with one setting more."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SHOP_")}
        environment |= {"SHOP_DIR": str(self.directory), "SHOP_ISSUER": self.issuer, "SHOP_PORT": str(self.port)}
        environment |= {"SHOP_MANAGE_PORT": str(self.manage), "PYTHONPATH": str(ROOT)}
        with (self.directory / "idp.log").open("ab") as log:
            command = [sys.executable, "-m", "idp", "serve"]
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=ROOT)
        self._wait_until_ready()

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What `python -m idp manage` says beside it."""
        environment = {"SHOP_MANAGE_PORT": str(self.manage), "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
        asked = [sys.executable, "-m", "idp", "manage", *arguments]
        return subprocess.run(asked, env=environment, capture_output=True, text=True, timeout=30)


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beside]:
    with Idp(tmp_path_factory) as idp:
        process = Beside(idp.directory)
    yield process
    process.session.close()
    process.stop()


def is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


class TestProcess:
    """The door beside a server of two workers."""

    def test_what_is_done_holds_for_all_workers_at_once(self, beside: Beside) -> None:
        manager = Manager(to(f"http://127.0.0.1:{beside.manage}"))
        token = beside.as_client("/token", grant_type="client_credentials").json()["access_token"]
        for _ in range(8):
            assert beside.as_client("/introspect", token=token).json()["active"]
        manager.advance_clock(301)
        answers = []
        for _ in range(16):  # each over a connection of its own, so that both workers answer
            beside.session.close()
            answers.append(beside.as_client("/introspect", token=token).json())
        assert answers == [{"active": False}] * 16
        manager.fault("/jwks", times=3, status=503)
        seen = []
        for _ in range(8):
            beside.session.close()
            seen.append(beside.send("GET", "/jwks").status_code)
        assert seen == [503] * 3 + [200] * 5
        manager.rotate_keys(overlap=False)
        published = set()
        for _ in range(8):
            beside.session.close()
            published.add(beside.send("GET", "/jwks").text)
        assert len(published) == 1
        manager.reset()

    def test_an_answer_can_be_dropped_on_the_line(self, beside: Beside) -> None:
        manager = Manager(to(f"http://127.0.0.1:{beside.manage}"))
        manager.fault("/jwks", answer="dropped")
        with pytest.raises(OSError):  # noqa: PT011 - requests has several words for it
            beside.send("GET", "/jwks")
        assert beside.send("GET", "/jwks").status_code == 200
        manager.reset()

    def test_the_command_says_what_the_door_says(self, beside: Beside) -> None:
        done = beside.command("POST", "/people/alice/disable", "{}")
        assert (done.returncode, json.loads(done.stdout)["disabled"]) == (0, True)
        refused = beside.command("POST", "/people/nobody/disable")
        assert (refused.returncode, json.loads(refused.stdout)["status"]) == (1, 404)
        beside.command("POST", "/reset")

    def test_it_listens_on_loopback_alone(self, beside: Beside) -> None:
        text = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
        listening = [line.split()[1] for line in text.splitlines() if line.split()[3] == "0A"]
        port = f":{beside.manage:04X}"
        assert [address for address in listening if address.endswith(port)] == [f"0100007F{port}"]

    def test_every_line_of_the_log_is_a_json_object(self, beside: Beside) -> None:
        to(f"http://127.0.0.1:{beside.manage}")("GET", "/clock", None)
        with socket.create_connection(("127.0.0.1", beside.manage), 5) as line:
            line.sendall(b"nonsense\r\n\r\n")
            line.recv(1000)
        log = (beside.directory / "idp.log").read_text()
        assert all(isinstance(json.loads(each), dict) for each in log.splitlines())

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
    def test_it_ends_with_its_server_however_that_ends(self, beside: Beside, number: int) -> None:
        pids = [int(pid) for pid in children(beside.process.pid)]
        assert len(pids) == 3, "two workers and the door"
        beside.stop(number)
        wait_until_gone(pids)
        assert not is_open(beside.manage)
        beside.start()
        assert is_open(beside.manage)

    def test_it_ends_when_the_server_is_gone_though_a_worker_hangs(self, beside: Beside) -> None:
        """A worker holds nothing of the door: it let go of it before it began."""
        door, *workers = map(int, children(beside.process.pid))  # the oldest first, whatever its number
        suspend(psutil.Process(workers[0]))
        try:
            beside.stop(signal.SIGKILL)
            wait_until_gone([door])
        finally:
            os.kill(workers[0], signal.SIGCONT)
        wait_until_gone(workers)
        beside.start()

    def test_a_port_that_is_taken_is_told_before_anything_serves(self, beside: Beside) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SHOP_")}
        environment |= {"SHOP_DIR": str(beside.directory), "SHOP_ISSUER": "https://localhost:1"}
        environment |= {"SHOP_PORT": "1", "SHOP_MANAGE_PORT": str(beside.manage)}
        command = [sys.executable, "-m", "idp", "serve"]
        run = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=30)
        assert run.returncode == 1
        assert run.stderr.startswith("idp: ")
        assert "Address already in use" in run.stderr


class TestCommand:
    """`python -m idp manage`, where nobody opens."""

    def test_without_a_door_it_says_so(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert client.command("", "GET", "/clock", None) == 2
        assert capsys.readouterr().err == "idp: there is no management door (SHOP_MANAGE_PORT)\n"

    def test_when_nobody_listens_it_says_so(self, capsys: pytest.CaptureFixture[str]) -> None:
        with nobody() as port:
            assert client.command(str(port), "GET", "/clock", None) == 2
        assert "does not answer" in capsys.readouterr().err

    def test_what_is_not_json_is_not_sent(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert client.command("1", "POST", "/reset", "{") == 2
        assert "does not answer" in capsys.readouterr().err

    def test_it_reads_nothing_but_the_standard_library(self) -> None:
        code = "import sys; import idp.manage.client; print([m for m in sys.modules if m in ('flask', 'pydantic')])"
        run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30)
        assert run.stdout == "[]\n"


class Inside:
    """A shop whose door can only be asked from inside."""

    manage_url = None

    def __init__(self, code: int, said: str) -> None:
        self.code, self.said = code, said
        self.asked: list[Any] = []

    def run(self, name: str, argv: Any, *, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        self.asked.append((name, argv))
        return subprocess.CompletedProcess(argv, self.code, self.said, "the container is gone")


class TestVia:
    """Asking from inside."""

    def test_it_runs_the_command_where_the_identity_provider_is(self) -> None:
        shop = Inside(0, '{"now": 5.0, "ahead": 3.0}')
        assert Manager(via(shop)).advance_clock(3).ahead == 3
        (asked,) = shop.asked
        assert asked == ("idp", ["python", "-m", "idp", "manage", "POST", "/clock/advance", '{"seconds": 3}'])

    def test_a_refusal_is_a_refusal(self) -> None:
        with pytest.raises(Refused, match="404: there is no such person") as refusal:
            Manager(via(Inside(1, '{"status": 404, "detail": "there is no such person"}'))).disable("x")
        assert refusal.value.status == 404

    def test_silence_is_no_answer(self) -> None:
        with pytest.raises(ConnectionError, match="the container is gone"):
            Manager(via(Inside(2, ""))).clock()
