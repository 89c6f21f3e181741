"""The CA from the command line, and the timer that keeps everything from running out."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from rich.console import Console

from certs import CA, IssuerExpired, Lifetimes, TooSeldom, cli, files, keeper, rolling, status
from certs.homes import Event
from certs.index import Index

ROOT = Path(cli.__file__).parents[1]
HALF_A_DAY = timedelta(hours=12)


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHOP_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def ca(town: Path) -> CA:
    """A CA that issued one leaf half a day ago, and has done nothing since: everything is due."""
    ca = CA.create(town / "ca", clock=lambda: datetime.now(UTC) - HALF_A_DAY)
    ca.issue("orders", town / "orders" / "tls")
    return CA.open(town / "ca")


class Commands:
    """`python -m certs …` without a process of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: str | Path) -> tuple[int, str]:
        """Exit code, and what was printed on either stream."""
        self._monkeypatch.setattr(sys, "argv", ["certs", *map(str, arguments)])
        try:
            code: object = cli.main()
        except SystemExit as end:
            code = end.code or 0
        captured = self._capsys.readouterr()
        assert isinstance(code, int)
        return code, " ".join((captured.out + captured.err).replace("│", " ").split())


@pytest.fixture
def certs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(monkeypatch, capsys)


class TestCommands:
    def test_a_whole_life(self, town: Path, certs: Commands) -> None:
        home = town / "orders" / "tls"
        assert certs("init")[0] == 0
        assert certs("issue", "orders", "--dns", "orders", "--dns", "localhost")[0] == 0
        assert CA.open(town / "ca").index().leaves[0].dns_names == ("orders", "localhost")
        assert certs("publish") == (0, "published CRL number 2")
        assert certs("revoke", "orders", "--reason", "superseded")[0] == 0
        (entry,) = x509.load_pem_x509_crl((home / "crl.pem").read_bytes())
        reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
        assert reason is x509.ReasonFlags.superseded
        assert "REVOKED" in certs("status")[1]

    def test_init_without_options_makes_the_default_lives(self, town: Path, certs: Commands) -> None:
        certs("init")
        assert CA.open(town / "ca").index().lifetimes == Lifetimes()

    def test_init_takes_lives_name_and_trust_domain(self, tmp_path: Path, certs: Commands) -> None:
        there = tmp_path / "there"
        lives = ("--root-life", "2d", "--intermediate-life", "3h", "--leaf-life", "90s", "--crl-life", "15m")
        hosts = ("--host", "shop.test", "--host", "localhost")
        code, said = certs("init", "--dir", there, "--trust-domain", "other.test", *lives, *hosts)
        assert code == 0, said
        index = CA.open(there).index()
        assert index.trust_domain == "other.test"
        assert index.hosts == ("shop.test", "localhost")
        expected = Lifetimes(timedelta(days=2), timedelta(hours=3), timedelta(seconds=90), timedelta(minutes=15))
        assert index.lifetimes == expected

    def test_issue_takes_another_directory(self, town: Path, certs: Commands) -> None:
        certs("init")
        certs("issue", "orders", "--into", town / "elsewhere")
        assert (town / "elsewhere" / "leaf.pem").exists()

    def test_revoke_can_leave_publishing_to_the_keeper(self, town: Path, certs: Commands) -> None:
        certs("init")
        certs("issue", "orders")
        certs("revoke", "orders", "--no-publish")
        assert not list(x509.load_pem_x509_crl((town / "orders" / "tls" / "crl.pem").read_bytes()))

    def test_rotate_replaces_a_leaf_and_the_intermediate(
        self, town: Path, certs: Commands, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cli, "PAUSE", 0)
        certs("init")
        certs("issue", "orders", "--dns", "orders", "--dns", "localhost")
        code, said = certs("rotate", "leaf", "orders")
        assert code == 0
        assert said.startswith("issued ")
        assert certs("rotate", "intermediate") == (0, "issuing.2 signs in place of issuing.1, 1 leaves issued again")
        leaves = CA.open(town / "ca").index().leaves
        assert [leaf.issuer for leaf in leaves] == ["issuing.1", "issuing.1", "issuing.2"]
        assert {leaf.dns_names for leaf in leaves} == {("orders", "localhost")}
        assert certs("revoke", "issuing.1")[1].endswith("of issuing.1")
        assert certs("status")[0] == 0

    def test_rotate_replaces_the_root_step_by_step(self, town: Path, certs: Commands) -> None:
        certs("init")
        certs("issue", "orders")
        said = [certs("rotate", "root", "--step", step) for step in ("begin", "switch", "finish")]
        assert said == [
            (0, "root.2 is trusted beside root.1; next: rotate root --step switch"),
            (0, "1 leaves issued again, under root.2; next: rotate root --step finish"),
            (0, "only root.2 is trusted"),
        ]

    @pytest.mark.parametrize("reason", cli.Reason)
    def test_every_reason_is_one_of_the_standard(self, reason: cli.Reason) -> None:
        assert x509.ReasonFlags[reason.name]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["issue", "orders"], "there is no CA in"),
            (["revoke", "orders"], "there is no CA in"),
            (["publish"], "there is no CA in"),
            (["status"], "there is no CA in"),
            (["keep"], "there is no CA in"),
            (["init", "--leaf-life", "5x"], "'5x' is not a duration"),
            (["init", "--leaf-life", "0s"], "'0s' is not a duration"),
            (["init", "--trust-domain", "Shop"], "'Shop' is not a trust domain"),
            (["keep", "--period", "0"], "0"),
            (["isue"], "No such command"),
        ],
        ids=" ".join,
    )
    def test_wrong_use_where_there_is_no_ca_is_answered_clearly(
        self, town: Path, certs: Commands, arguments: list[str], message: str
    ) -> None:
        code, said = certs(*arguments)
        assert code != 0
        assert message in said
        assert "Traceback" not in said

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["init"], "holds a CA already: remove the directory"),
            (["issue", "Orders"], "'Orders' is not a service name"),
            (["issue", "orders", "--dns", "*.test"], "'*.test' is not a host's name"),
            (["revoke", "nobody"], "no valid leaf has the name or serial number 'nobody'"),
            (["revoke", "orders", "--reason", "spite"], "spite"),
            (["revoke", "issuing.1"], "issuing.1 signs leaves: `rotate intermediate` first"),
            (["rotate", "leaf", "billing"], "no directory holds a leaf of 'billing': `issue` makes one"),
            (["rotate", "root", "--step", "switch"], "nothing is being replaced: begin first"),
            (["rotate", "root", "--step", "finish"], "the leaves are not under a new root: begin and switch first"),
            (["rotate", "root"], "--step"),
        ],
        ids=" ".join,
    )
    def test_wrong_use_of_a_ca_is_answered_clearly(
        self, ca: CA, certs: Commands, arguments: list[str], message: str
    ) -> None:
        code, said = certs(*arguments)
        assert code != 0
        assert message in said

    def test_without_dir_and_shop_dir_it_says_what_to_set(
        self, certs: Commands, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SHOP_DIR", raising=False)
        code, said = certs("status")
        assert code == 2
        assert "set SHOP_DIR" in said

    @pytest.mark.parametrize("name", ["", "x" * 49, "x" * 54, "x" * 70, "ü" * 25, "two\nlines", "\udcff"], ids=ascii)
    def test_a_name_with_no_room_for_a_number_is_refused_in_one_line_and_leaves_nothing(
        self, town: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
    ) -> None:
        monkeypatch.setattr(sys, "argv", ["certs", "init", "--name", name])
        assert cli.main() == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.endswith("is not a CA's name: 1 to 48 bytes of printable UTF-8")
        assert not (town / "ca").exists()

    def test_the_longest_name_has_room_for_a_million_intermediates(
        self, town: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ca = CA.create(town / "ca", name="ü" * 24)
        monkeypatch.setattr(Index, "next_name", lambda *_: "issuing.9999999")
        assert rolling.begin(ca, "intermediate").name == "issuing.9999999"

    def test_trouble_with_the_disk_is_one_line(self, town: Path, certs: Commands) -> None:
        (town / "file").write_text("")
        code, said = certs("init", "--dir", town / "file" / "ca")
        assert code == 1
        assert "Not a directory" in said


class TestStatus:
    @staticmethod
    def shown(ca: CA, now: datetime) -> str:
        screen = io.StringIO()
        status.show(ca, now, Console(file=screen, width=160, force_terminal=True))
        return screen.getvalue()

    @pytest.fixture
    def fresh(self, town: Path) -> CA:
        ca = CA.create(town / "ca")
        ca.issue("orders", town / "orders")
        return ca

    @pytest.mark.parametrize(
        ("hours", "states"),
        [
            (0, ["good", "good", "good", "good"]),
            (0.8, ["good", "good", "runs out: is keep running?", "good"]),
            (19, ["good", "good", "EXPIRED", "runs out: is keep running?"]),
            (25, ["good", "good", "EXPIRED", "EXPIRED"]),
            (60, ["good", "runs out: is keep running?", "EXPIRED", "EXPIRED"]),
            (100, ["runs out: rotate root --step begin", "EXPIRED", "EXPIRED", "EXPIRED"]),
            (169, ["EXPIRED", "EXPIRED", "EXPIRED", "EXPIRED"]),
        ],
    )
    def test_what_is_near_is_said(self, fresh: CA, hours: float, states: list[str]) -> None:
        now = datetime.now(UTC) + timedelta(hours=hours)
        assert [state for _, _, _, state, _ in status.rows(fresh, now)] == states
        assert status.show(fresh, now, Console(file=io.StringIO())) == (set(states) == {"good"})

    def test_the_exit_code_says_whether_all_is_well(self, town: Path, certs: Commands) -> None:
        certs("init")
        assert certs("status")[0] == 0
        CA.open(town / "ca", clock=lambda: datetime.now(UTC) - timedelta(hours=2)).publish()
        code, said = certs("status")
        assert code == 1
        assert "EXPIRED" in said

    def test_a_leaf_that_was_taken_back_or_is_not_kept_is_no_trouble(self, fresh: CA, town: Path) -> None:
        fresh.issue("billing", town / "billing")
        fresh.revoke("orders")
        shutil.rmtree(town / "billing")
        assert status.show(fresh, None, Console(file=io.StringIO()))
        assert [row[3] for row in status.rows(fresh, datetime.now(UTC))][-1] == "not kept"

    def test_a_rotation_under_way_is_said_with_what_comes_next(self, fresh: CA) -> None:
        rolling.begin(fresh, "root")
        states = {what: state for what, _, _, state, _ in status.rows(fresh, datetime.now(UTC))}
        assert states | {"root.1": "good", "root.2": "waits", "issuing.1": "good", "issuing.2": "waits"} == states
        assert "next: rotate root --step switch" in self.shown(fresh, datetime.now(UTC))
        rolling.switch(fresh)
        states = {what: state for what, _, _, state, _ in status.rows(fresh, datetime.now(UTC))}
        wanted = {"root.1": "superseded", "root.2": "good", "issuing.1": "superseded", "issuing.2": "good"}
        assert states | wanted == states
        assert "next: rotate root --step finish" in self.shown(fresh, datetime.now(UTC))
        rolling.finish(fresh)
        shown = [(what, state) for what, _, _, state, _ in status.rows(fresh, datetime.now(UTC))]
        assert shown == [(what, "good") for what in ("root.2", "issuing.2", "CRL 3", "orders")]

    @pytest.mark.parametrize("name", ["leaf.pem", "key.pem", "bundle.pem", "crl.pem"])
    def test_a_file_that_is_missing_or_another_is_said(self, fresh: CA, town: Path, certs: Commands, name: str) -> None:
        fresh.issue("billing", town / "billing")
        whole = (town / "orders" / name).read_bytes()
        (town / "orders" / name).unlink()
        code, said = certs("status")
        assert (code, said.count("behind:")) == (1, 1)
        (town / "orders" / name).write_bytes(b"an older one")
        assert certs("status")[0] == 1
        (town / "orders" / name).write_bytes(whole)
        assert certs("status")[0] == 0

    def test_a_revocation_that_was_not_delivered_is_said(self, fresh: CA, town: Path, certs: Commands) -> None:
        fresh.issue("billing", town / "billing")
        fresh.revoke("billing")
        states = [state for _, _, _, state, _ in status.rows(fresh, datetime.now(UTC))]
        assert states[3:] == ["behind: is keep running?", "REVOKED: keyCompromise"]
        assert certs("status")[0] == 1
        fresh.renew_due()
        assert certs("status")[0] == 0

    def test_it_waits_for_a_delivery_under_way(self, fresh: CA, monkeypatch: pytest.MonkeyPatch) -> None:
        seen = []
        really = files.locked

        @contextmanager
        def locked(directory: Path) -> Iterator[None]:
            with really(directory):
                seen.append("locked")
                yield
            seen.append("let go")

        def rows(_ca: CA, _now: datetime) -> Iterator[status.Row]:
            seen.append("looked")
            yield from ()

        monkeypatch.setattr(files, "locked", locked)
        monkeypatch.setattr(status, "rows", rows)
        status.show(fresh, None, Console(file=io.StringIO()))
        assert seen == ["locked", "looked", "let go"]

    def test_superseded_and_revoked_leaves_are_told_apart(self, fresh: CA, town: Path) -> None:
        fresh.issue("orders", town / "orders")
        fresh.issue("billing", town / "billing")
        fresh.revoke("billing")
        fresh.publish()
        states = [state for _, _, _, state, _ in status.rows(fresh, datetime.now(UTC))]
        assert states[3:] == ["superseded", "good", "REVOKED: keyCompromise"]

    def test_it_honours_no_color(self, fresh: CA, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        assert "\x1b[32m" in self.shown(fresh, datetime.now(UTC))
        monkeypatch.setenv("NO_COLOR", "1")
        assert "\x1b[3" not in self.shown(fresh, datetime.now(UTC)).replace("\x1b[3m", "")


class Log:
    """What the keeper reported."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.details: list[dict[str, object]] = []

    def __call__(self, event: str, details: dict[str, object]) -> None:
        self.events.append(event)
        self.details.append(details)


def rounds(count: int, between: object = None) -> keeper.Wait:
    """A wait that takes no time, runs `between`, and says stop after `count` rounds."""
    turns = iter([False] * (count - 1))

    def wait(_seconds: float) -> bool:
        if callable(between):
            between()
        return next(turns, True)

    return wait


class TestKeeper:
    def test_it_renews_what_is_due_and_then_rests(self, ca: CA) -> None:
        log = Log()
        keeper.keep(ca, 30, rounds(3), log)
        assert log.events == ["started", "crl_signed", "renewed", "stopped"]

    @pytest.mark.parametrize(("life", "longest"), [("crl", 30), ("leaf", 30), ("intermediate", 15)])
    def test_it_refuses_to_look_so_seldom_that_something_would_run_out_in_between(
        self, town: Path, certs: Commands, life: str, longest: int
    ) -> None:
        certs("init", f"--{life}-life", "60s")
        log = Log()
        keeper.keep(CA.open(town / "ca"), longest, rounds(1), log)
        assert log.events == ["started", "stopped"]
        with pytest.raises(TooSeldom):
            keeper.keep(CA.open(town / "ca"), longest + 0.1, rounds(1), log)
        assert certs("keep", "--period", "90") == (
            1,
            f"certs: 90 s are too long a period: at most {longest} s, or what this CA signs runs out",
        )

    def test_it_sees_what_other_processes_issue_meanwhile(self, ca: CA, town: Path) -> None:
        log = Log()

        def another_process() -> None:
            late = CA.open(town / "ca", clock=lambda: datetime.now(UTC) - HALF_A_DAY)
            if len(late.index().leaves) < 3:
                late.issue("billing", town / "billing")

        keeper.keep(ca, 30, rounds(2, another_process), log)
        assert [d["name"] for e, d in zip(log.events, log.details, strict=True) if e == "renewed"] == [
            "orders",
            "billing",
        ]

    @pytest.mark.parametrize("trouble", [OSError(28, "No space left on device"), IssuerExpired("over")], ids=repr)
    def test_it_survives_trouble_reports_it_and_tries_again(
        self, ca: CA, monkeypatch: pytest.MonkeyPatch, trouble: Exception
    ) -> None:
        answers: Iterator[Exception | list[Event]] = iter([trouble, [Event("renewed", {"name": "orders"})]])

        def renew_due() -> list[Event]:
            answer = next(answers)
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(ca, "renew_due", renew_due)
        log = Log()
        keeper.keep(ca, 30, rounds(2), log)
        assert log.events == ["started", "failed", "renewed", "stopped"]
        assert log.details[1] == {"reason": str(trouble)}

    def test_it_is_healthy_after_a_good_round_and_no_longer_once_it_stopped(self, ca: CA, town: Path) -> None:
        seen: list[bool] = []
        keeper.keep(ca, 30, rounds(2, lambda: seen.append(keeper.healthy(town / "ca"))), Log())
        assert seen == [True, True]
        assert not keeper.healthy(town / "ca")

    @pytest.mark.parametrize("failure", ["raised", "reported"])
    def test_a_round_that_failed_is_no_sign_of_health(
        self, ca: CA, town: Path, monkeypatch: pytest.MonkeyPatch, failure: str
    ) -> None:
        def renew_due() -> list[Event]:
            if failure == "raised":
                raise OSError("no")
            return [Event("failed", {"name": "orders", "reason": "no"})]

        monkeypatch.setattr(ca, "renew_due", renew_due)
        seen: list[bool] = []
        keeper.keep(ca, 30, rounds(1, lambda: seen.append(keeper.healthy(town / "ca"))), Log())
        assert seen == [False]

    def test_a_keeper_that_hangs_is_ill_after_three_periods(
        self, ca: CA, town: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[bool] = []
        now = time.time()

        def later() -> None:
            for seconds in (89, 91):
                monkeypatch.setattr(time, "time", lambda: now + seconds)  # noqa: B023 - called at once
                seen.append(keeper.healthy(town / "ca"))

        monkeypatch.setattr(time, "time", lambda: now)
        keeper.keep(ca, 30, rounds(1, later), Log())
        assert seen == [True, False]

    def test_a_sign_of_life_that_makes_no_sense_is_none(self, town: Path) -> None:
        (town / "ca").mkdir()
        (town / "ca" / "alive").write_text("yes")
        assert not keeper.healthy(town / "ca")


@contextmanager
def keeping(town: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`python -m certs keep` as a process."""
    command = [sys.executable, "-m", "certs", "keep", *options]
    environ = os.environ | {"SHOP_DIR": str(town)}
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def health_check(town: Path | None, *options: str) -> int:
    environ = {name: value for name, value in os.environ.items() if name != "SHOP_DIR"}
    command = [sys.executable, "-m", "certs", "healthy", *options]
    environ |= {"SHOP_DIR": str(town)} if town else {}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, timeout=120, check=False).returncode


class TestProcess:
    @pytest.mark.timeout(60)
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_it_renews_prints_json_is_healthy_and_stops_when_told(
        self, ca: CA, town: Path, number: signal.Signals
    ) -> None:
        with keeping(town, "--period", "600") as process:
            assert process.stdout
            lines = [json.loads(process.stdout.readline()) for _ in range(3)]
            assert [line["event"] for line in lines] == ["started", "crl_signed", "renewed"]
            for line in lines:
                assert line["service"] == "ca"
                assert datetime.fromisoformat(line["time"]).tzinfo == UTC
            assert health_check(town) == 0
            process.send_signal(number)
            assert process.wait(120) == 0
            assert json.loads(process.stdout.read().splitlines()[-1])["event"] == "stopped"
        assert health_check(town) == 1

    def test_the_health_check_takes_a_directory_and_wants_one(self, town: Path) -> None:
        assert health_check(None, "--dir", str(town / "ca")) == 1
        assert health_check(None) == 2

    def test_the_health_check_imports_nothing_slow(self) -> None:
        script = "import sys, certs.__main__, certs.keeper; print(*sys.modules)"
        loaded = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
        ).stdout.split()
        assert not {"cryptography", "typer", "rich", "certs.authority"} & set(loaded)
