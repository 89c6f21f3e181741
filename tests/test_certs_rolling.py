"""How roots and intermediates give way: nobody is refused meanwhile who should not be, and no crash changes that."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from certs import CA, IssuerExpired, OutOfTurn, Undelivered, UnknownLeaf, rolling
from certs.rolling import Kind
from services import tls

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
SERVICES = ("orders", "billing")
STEPS: tuple[Callable[[CA], object], ...] = (
    lambda ca: rolling.begin(ca, "root"),
    rolling.switch,
    rolling.finish,
)


class Town:
    """A CA, and two services that believe each other as long as its files let them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ahead = timedelta(0)
        self.ca = CA.create(directory / "ca", clock=self.now)
        self.homes = {name: directory / name for name in SERVICES}
        for name, home in self.homes.items():
            self.ca.issue(name, home)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def refused(self) -> list[str]:
        """Who is refused by whom: nobody, when all is well."""
        pairs = itertools.permutations(SERVICES)
        return [f"{client} at {server}" for server, client in pairs if not self.meet(server, self.homes[client])]

    def meet(self, server: str, client: Path) -> bool:
        """Whether the server and who shows what lies in `client` believe each other, by the code of the services."""
        there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
        pair = str(client / "leaf.pem"), str(client / "key.pem")
        calling, called = tls.client_context(client / "bundle.pem", pair), self.homes[server]
        ends: list[ssl.SSLObject] = [
            calling.wrap_bio(back, there, server_hostname=server),
            tls.server_context(called, "required").wrap_bio(there, back, server_side=True),
        ]
        try:
            for _ in range(3):
                for end in list(ends):
                    try:
                        end.do_handshake()
                        ends.remove(end)
                    except ssl.SSLWantReadError:
                        continue
        except ssl.SSLError:
            return False
        return not ends

    def copy(self, name: str) -> Path:
        """What somebody has copied from a service; the CA does not know of it, and never changes it."""
        return shutil.copytree(self.homes[name], self.directory / f"copy of {name}")

    def signers(self) -> set[str]:
        """Who signed what the services show."""
        return {leaf.issuer for leaf in self.ca.index().current()}

    def shown(self) -> datetime:
        """Until when what the services show is good, with whoever signed it: the earliest end."""
        chains = [(home / "leaf.pem").read_bytes() for home in self.homes.values()]
        return min(each.not_valid_after_utc for pem in chains for each in x509.load_pem_x509_certificates(pem))

    def roots(self, name: str) -> list[str]:
        """Whom a service trusts."""
        pem = (self.homes[name] / "bundle.pem").read_bytes()
        return [each.subject.rfc4514_string() for each in x509.load_pem_x509_certificates(pem)]


@pytest.fixture(autouse=True)
def _a_quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No power is cut here."""
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


class Killed(Exception):
    """What ends the CA's process, in place of a signal."""


def moving(monkeypatch: pytest.MonkeyPatch, moved: Callable[[], object]) -> None:
    """Have `moved` called after each file that the CA puts in place."""
    really = os.replace

    def replace(source: Path, target: Path) -> None:
        really(source, target)
        moved()

    monkeypatch.setattr(os, "replace", replace)


class TestARoot:
    def test_gives_way_in_three_steps(self, town: Town) -> None:
        both = ["CN=Five Locks root.1", "CN=Five Locks root.2"]
        seen = []
        for step in STEPS:
            step(town.ca)
            seen.append((town.roots("orders"), town.signers(), town.ca.root.subject.rfc4514_string()))
        assert seen == [
            (both, {"issuing.1"}, both[0]),
            (both, {"issuing.2"}, both[1]),
            (both[1:], {"issuing.2"}, both[1]),
        ]
        assert town.roots("billing") == both[1:]

    def test_nobody_is_refused_at_any_moment(self, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
        moments: list[list[str]] = [town.refused()]
        moving(monkeypatch, lambda: moments.append(town.refused()))
        for step in STEPS:
            step(town.ca)
        assert len(moments) > 20
        assert not any(moments)

    def test_what_it_vouched_for_is_believed_until_the_end_and_no_longer(self, town: Town) -> None:
        copy = town.copy("orders")
        believed = []
        for step in STEPS:
            step(town.ca)
            for name in ("bundle.pem", "crl.pem"):
                shutil.copy(town.homes["orders"] / name, copy)
            believed.append(town.meet("billing", copy))
        assert believed == [True, True, False]

    def test_a_crash_anywhere_in_a_step_is_mended_by_taking_it_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After each file put in place in turn."""
        for number, step in enumerate(STEPS):
            for after in itertools.count(1):
                town = Town(tmp_path / f"{number}-{after}")
                for before in STEPS[:number]:
                    before(town.ca)
                assert not town.refused()
                if not self.killed(town, step, after, monkeypatch):
                    break
                again = CA.open(town.ca.directory)
                assert not town.refused(), f"step {number}, after {after} files"
                step(again)
                assert not town.refused(), f"step {number}, after {after} files"
                for later in STEPS[number + 1 :]:
                    later(again)
                    assert not town.refused(), f"step {number}, after {after} files"
                assert town.roots("orders") == town.roots("billing") == [town.ca.root.subject.rfc4514_string()]
                assert town.signers() == {town.ca.index().signs}
                keys = {path.name for path in town.ca.directory.glob("*-key.pem")}
                assert keys == {f"{each.name}-key.pem" for each in again.index().authorities}
            assert after > 3

    @staticmethod
    def killed(town: Town, step: Callable[[CA], object], after: int, monkeypatch: pytest.MonkeyPatch) -> bool:
        """Whether the CA was killed after so many files, rather than done before."""
        countdown = itertools.count(after - 1, -1)

        def kill() -> None:
            if next(countdown) == 0:
                raise Killed

        with monkeypatch.context() as patched:
            moving(patched, kill)
            try:
                step(town.ca)
            except Killed:
                return True
        return False

    def test_signs_nothing_before_everybody_has_it(self, town: Town) -> None:
        rolling.begin(town.ca, "root")
        for name in ("bundle.pem", "crl.pem"):
            whole = (town.homes["billing"] / name).read_bytes()
            (town.homes["billing"] / name).write_bytes(b"an older one")
            with pytest.raises(OutOfTurn, match="not everybody has the new root or CRL yet: billing"):
                rolling.switch(town.ca)
            (town.homes["billing"] / name).write_bytes(whole)
        assert town.signers() == {"issuing.1"}
        rolling.switch(town.ca)

    def test_signs_nothing_before_everybody_has_it_however_short_the_time(self, town: Town) -> None:
        rolling.begin(town.ca, "root")
        (town.homes["billing"] / "bundle.pem").write_bytes(b"an older one")
        town.ahead = 71 * HOUR
        with pytest.raises(OutOfTurn, match=r"not everybody has the new root or CRL yet: .*billing"):
            rolling.switch(town.ca)

    def test_a_reader_that_cannot_be_looked_into_does_not_have_it(self, town: Town) -> None:
        (town.homes["billing"] / "crl.pem").unlink()
        (town.homes["billing"] / "crl.pem").mkdir()
        with pytest.raises(Undelivered):
            rolling.begin(town.ca, "root")
        with pytest.raises(OutOfTurn, match="billing"):
            rolling.switch(town.ca)
        (town.homes["billing"] / "crl.pem").rmdir()
        rolling.begin(town.ca, "root")
        rolling.switch(town.ca)
        assert not town.refused()

    def test_is_trusted_while_a_leaf_is_under_it(self, town: Town) -> None:
        rolling.begin(town.ca, "root")
        rolling.switch(town.ca)
        shutil.copy(town.homes["orders"] / "leaf.pem", town.homes["billing"] / "leaf.pem")
        with pytest.raises(OutOfTurn, match="still under the old root: billing"):
            rolling.finish(town.ca)
        rolling.switch(town.ca)  # issues what is missing
        rolling.finish(town.ca)
        assert not town.refused()

    def test_a_leaf_that_could_not_be_issued_keeps_the_old_root(self, town: Town) -> None:
        rolling.begin(town.ca, "root")
        (town.homes["billing"] / "leaf.pem").unlink()
        (town.homes["billing"] / "leaf.pem").mkdir()
        with pytest.raises(Undelivered):
            rolling.switch(town.ca)
        with pytest.raises(OutOfTurn, match="billing"):
            rolling.finish(town.ca)
        assert town.signers() == {"issuing.2"}
        (town.homes["billing"] / "leaf.pem").rmdir()
        town.ca.renew_due()
        rolling.finish(town.ca)
        assert not town.refused()

    def test_does_not_wait_for_who_is_gone_or_was_revoked(self, town: Town) -> None:
        rolling.begin(town.ca, "root")
        shutil.rmtree(town.homes["billing"])
        town.ca.revoke("orders")
        town.ca.publish()
        rolling.switch(town.ca)
        rolling.finish(town.ca)
        assert town.roots("orders") == ["CN=Five Locks root.2"]

    def test_leaves_no_key_behind(self, town: Town) -> None:
        for step in STEPS:
            step(town.ca)
        names = {f"{name}{key}.pem" for name in ("root.2", "issuing.2") for key in ("", "-key")}
        assert {path.name for path in town.ca.directory.glob("*.pem")} == names | {"crl.pem"}

    def test_another_process_goes_on_with_what_it_finds(self, town: Town, tmp_path: Path) -> None:
        keeper = CA.open(town.ca.directory)
        for number in (2, 3):
            for step in STEPS:
                step(town.ca)
                keeper.renew_due()
            assert keeper.issue("gateway", tmp_path / "gateway").issuer == f"issuing.{number}"
            assert keeper.root == town.ca.root
            assert town.meet("orders", tmp_path / "gateway")

    def test_may_have_expired(self, town: Town) -> None:
        town.ahead = timedelta(days=8)
        with pytest.raises(IssuerExpired, match=r"root\.1 expired"):
            rolling.begin(town.ca, "intermediate")
        for step in STEPS:
            step(town.ca)
        assert {leaf.not_after > town.now() for leaf in town.ca.index().current()} == {True}

    def test_is_not_replaced_by_the_keeper_nor_does_it_take_the_next_step(self, town: Town) -> None:
        town.ahead = timedelta(days=6)
        town.ca.renew_due()
        assert town.ca.index().rolling != "root"
        town.ahead = timedelta(0)
        fresh = Town(town.directory / "fresh")
        rolling.begin(fresh.ca, "root")
        fresh.ahead = HOUR
        for _ in range(2):  # the first brings a new list
            fresh.ca.renew_due()
        assert fresh.signers() == {"issuing.1"}
        rolling.switch(fresh.ca)
        fresh.ca.renew_due()
        assert len(fresh.roots("orders")) == 2

    def test_that_waits_for_its_step_too_long_makes_the_keeper_complain(self, town: Town) -> None:
        rolling.begin(town.ca, "root")
        assert "failed" not in [event.event for event in town.ca.renew_due()]
        town.ahead = 36 * HOUR + SECOND
        (failed,) = [event.details for event in town.ca.renew_due() if event.event == "failed"]
        reason = "it runs out while a new root waits: rotate root --step switch"
        assert failed == {"name": "issuing.1", "reason": reason}


class TestAnIntermediate:
    def test_gives_way_in_two_steps_and_nobody_is_refused(self, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
        moments: list[list[str]] = [town.refused()]
        moving(monkeypatch, lambda: moments.append(town.refused()))
        assert rolling.begin(town.ca, "intermediate").name == "issuing.2"
        assert town.signers() == {"issuing.1"}
        assert [event.details["name"] for event in rolling.switch(town.ca)] == ["orders", "billing"]
        assert town.signers() == {"issuing.2"}
        assert town.ca.index().rolling is None
        assert len(moments) > 10
        assert not any(moments)

    def test_can_be_revoked_once_it_signs_no_longer(self, town: Town) -> None:
        copy = town.copy("orders")
        with pytest.raises(OutOfTurn, match=r"issuing\.1 signs leaves"):
            town.ca.revoke("issuing.1")
        rolling.begin(town.ca, "intermediate")
        for name in ("issuing.1", "issuing.2"):
            with pytest.raises(OutOfTurn, match="signs leaves"):
                town.ca.revoke(name)
        rolling.switch(town.ca)
        shutil.copy(town.homes["orders"] / "crl.pem", copy)
        assert town.meet("billing", copy)
        (revoked,) = town.ca.revoke("issuing.1")
        town.ca.publish()
        assert not town.meet("billing", copy)
        assert not town.refused()
        (entry,) = crls(town.ca.directory)["CN=Five Locks root.1"]
        assert f"{entry.serial_number:040x}" == revoked.serial

    def test_can_be_revoked_by_its_serial_number(self, town: Town) -> None:
        rolling.begin(town.ca, "intermediate")
        rolling.switch(town.ca)
        old = town.ca.index().authority("issuing.1")
        assert [each.name for each in town.ca.revoke(old.serial.upper())] == ["issuing.1"]

    def test_a_root_cannot_be_revoked(self, town: Town) -> None:
        with pytest.raises(UnknownLeaf):
            town.ca.revoke("root.1")

    def test_each_signs_the_list_of_its_own(self, town: Town) -> None:
        old = town.ca.revoke("orders")[0].serial
        rolling.begin(town.ca, "intermediate")
        rolling.switch(town.ca)
        new = town.ca.revoke("billing")
        taken = {
            issuer: {f"{entry.serial_number:040x}" for entry in entries}
            for issuer, entries in crls(town.ca.directory).items()
        }
        by_issuer = {leaf.serial: leaf.issuer for leaf in town.ca.index().leaves}
        assert taken == {
            "CN=Five Locks issuing.2": {leaf.serial for leaf in new if by_issuer[leaf.serial] == "issuing.2"},
            "CN=Five Locks issuing.1": {old} | {leaf.serial for leaf in new if by_issuer[leaf.serial] == "issuing.1"},
            "CN=Five Locks root.1": set(),
        }

    def test_is_forgotten_one_crl_after_it_expired(self, town: Town) -> None:
        rolling.begin(town.ca, "intermediate")
        town.ahead = 10 * SECOND
        rolling.switch(town.ca)
        town.ca.revoke("issuing.1")
        town.ahead = timedelta(days=3, hours=1)
        town.ca.publish()
        assert len(crls(town.ca.directory)["CN=Five Locks root.1"]) == 1
        assert "issuing.1" in {each.name for each in town.ca.index().authorities}
        town.ca.publish()
        assert len(crls(town.ca.directory)["CN=Five Locks root.1"]) == 0
        assert "issuing.1" not in {each.name for each in town.ca.index().authorities}
        assert not (town.ca.directory / "issuing.1-key.pem").exists()

    def test_is_replaced_by_the_keeper_at_half_its_life(self, town: Town) -> None:
        def events() -> list[str]:
            return [each.event for each in town.ca.renew_due() if each.event.startswith("intermediate")]

        town.ahead = 36 * HOUR - 10 * SECOND
        assert events() == []
        town.ahead = 36 * HOUR + SECOND
        assert events() == ["intermediate_made"]
        assert town.signers() == {"issuing.1"}
        assert events() == [], "handshakes that began before may not have come to their end"
        town.ahead += rolling.SETTLE + SECOND
        assert events() == ["intermediate_signs"]
        assert town.signers() == {"issuing.2"}
        assert events() == []

    def test_the_keeper_waits_for_a_reader_that_is_behind(self, town: Town) -> None:
        town.ahead = 36 * HOUR + SECOND
        town.ca.renew_due()
        town.ahead += rolling.SETTLE + SECOND
        (town.homes["billing"] / "crl.pem").write_bytes(b"an older one")
        town.ca.renew_due()
        assert town.signers() == {"issuing.1"}
        town.ca.renew_due()
        assert town.signers() == {"issuing.2"}

    def test_a_reader_that_cannot_be_reached_keeps_the_others_from_nothing(self, town: Town) -> None:
        home = town.directory / "inventory"
        town.ca.issue("inventory", home)
        out_of_reach(home)
        signs: dict[str, int] = {}
        for minutes in range(0, 3 * 24 * 60, 20):
            town.ahead = timedelta(minutes=minutes)
            town.ca.renew_due()
            assert town.shown() > town.now()
            signs.setdefault(town.ca.index().signs, minutes // 60)
        assert signs == {"issuing.1": 0, "issuing.2": 54}, "with a quarter of its life left"
        town.ahead = timedelta(days=3) + SECOND
        town.ca.renew_due()
        assert town.signers() == {"issuing.2"}
        assert town.shown() > town.now()

    def test_that_expired_while_the_next_waited_gives_way_at_once(self, town: Town) -> None:
        out_of_reach(town.homes["billing"])
        town.ahead = 36 * HOUR + SECOND
        town.ca.renew_due()
        town.ahead = timedelta(days=3) + SECOND
        events = [(each.event, each.details.get("name")) for each in town.ca.renew_due()]
        assert ("intermediate_signs", "issuing.2") in events
        assert ("renewed", "orders") in events
        assert ("failed", "billing") in events

    def test_by_hand_too_it_waits_for_nobody_once_there_is_little_time(self, town: Town) -> None:
        out_of_reach(town.homes["billing"])
        town.ahead = HOUR
        with pytest.raises(Undelivered):
            rolling.begin(town.ca, "intermediate")
        with pytest.raises(OutOfTurn, match="billing"):
            rolling.switch(town.ca)
        town.ahead = timedelta(days=3) + SECOND
        assert rolling.begin(town.ca, "intermediate").name == "issuing.2"
        with pytest.raises(Undelivered):
            rolling.switch(town.ca)
        assert town.signers() == {"issuing.2"}
        town.homes.pop("billing")
        assert town.shown() > town.now()

    def test_nobody_waits_for_a_reader_whose_leaf_was_revoked(self, town: Town) -> None:
        out_of_reach(town.homes["billing"])
        town.ca.revoke("billing")
        rolling.begin(town.ca, "intermediate")
        assert [event.details["name"] for event in rolling.switch(town.ca)] == ["orders"]

    def test_that_has_expired_gives_way_at_once(self, town: Town) -> None:
        town.ahead = timedelta(days=3, hours=1)
        town.ca.renew_due()
        assert town.signers() == {"issuing.2"}
        assert {leaf.not_after > town.now() for leaf in town.ca.index().current()} == {True}

    def test_that_was_never_recorded_signs_nothing_when_another_got_its_name(
        self, town: Town, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keeper = CA.open(town.ca.directory, clock=town.ca.now)
        with monkeypatch.context() as patched:
            full(patched, town.ca.directory / ".crl.pem.new")
            with pytest.raises(OSError, match="No space left"):
                rolling.begin(keeper, "intermediate")
        assert town.ca.index().rolling is None
        rolling.begin(town.ca, "intermediate")
        rolling.switch(town.ca)
        keeper.reissue("orders")
        keeper.publish()
        assert town.signers() == {"issuing.2"}
        assert not town.refused()

    def test_is_not_replaced_by_one_that_would_end_with_the_root_as_it_does(self, town: Town) -> None:
        for hours in range(36, 168, 12):
            town.ahead = hours * HOUR + SECOND
            town.ca.renew_due()
            town.ca.renew_due(town.now() + timedelta(minutes=1))
        assert town.ca.index().signs == "issuing.4"
        assert town.ca.index().waiting is None
        assert town.ca.intermediate.not_valid_after_utc == town.ca.root.not_valid_after_utc


class TestOneAtATime:
    @pytest.mark.parametrize(("first", "second"), [("root", "intermediate"), ("intermediate", "root")])
    def test_another_kind_waits_its_turn(self, town: Town, first: Kind, second: Kind) -> None:
        rolling.begin(town.ca, first)
        with pytest.raises(OutOfTurn, match="another rotation is under way: rotate"):
            rolling.begin(town.ca, second)
        rolling.switch(town.ca)
        if first == "root":
            with pytest.raises(OutOfTurn, match="rotate root --step finish"):
                rolling.begin(town.ca, "root")
            rolling.finish(town.ca)
        rolling.begin(town.ca, second)

    def test_begun_twice_is_begun_once(self, town: Town) -> None:
        assert rolling.begin(town.ca, "root") == rolling.begin(town.ca, "root")
        assert [root.name for root in town.ca.index().roots] == ["root.1", "root.2"]

    def test_what_is_done_can_be_finished_again(self, town: Town) -> None:
        for step in (*STEPS, rolling.finish):
            step(town.ca)
        assert town.roots("orders") == ["CN=Five Locks root.2"]
        rolling.begin(town.ca, "root")
        with pytest.raises(OutOfTurn, match="begin and switch first"):
            rolling.finish(town.ca)
        assert not town.refused()

    def test_an_intermediate_that_the_keeper_made_since_does_not_hide_that_the_old_root_has_to_go(
        self, town: Town
    ) -> None:
        rolling.begin(town.ca, "root")
        rolling.switch(town.ca)
        town.ahead = 36 * HOUR + SECOND
        town.ca.renew_due()
        index = town.ca.index()
        assert index.waiting
        assert rolling.next_step(index) == "rotate root --step finish"
        for kind in ("root", "intermediate"):
            with pytest.raises(OutOfTurn, match="another rotation is under way: rotate root --step finish"):
                rolling.begin(town.ca, kind)
        rolling.finish(town.ca)
        assert rolling.next_step(town.ca.index()) == "rotate intermediate"
        rolling.begin(town.ca, "intermediate")
        rolling.switch(town.ca)
        assert town.signers() == {"issuing.3"}

    def test_what_was_not_begun_cannot_go_on(self, town: Town) -> None:
        with pytest.raises(OutOfTurn, match="begin first"):
            rolling.switch(town.ca)
        with pytest.raises(OutOfTurn, match="begin and switch first"):
            rolling.finish(town.ca)
        rolling.begin(town.ca, "root")
        with pytest.raises(OutOfTurn, match="begin and switch first"):
            rolling.finish(town.ca)
        assert not town.refused()


def full(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Let the disk be full when this file is written."""
    really = os.open

    def opened(opening: Path, flags: int, mode: int = 0o777) -> int:
        if opening == path:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return really(opening, flags, mode)

    monkeypatch.setattr(os, "open", opened)


def out_of_reach(home: Path) -> None:
    """Let nothing that the CA writes there come into place."""
    (home / "crl.pem").unlink()
    (home / "crl.pem").mkdir()


def crls(directory: Path) -> dict[str, list[x509.RevokedCertificate]]:
    """The entries of each list in `crl.pem`, by who signed it."""
    mark = "-----BEGIN X509 CRL-----"
    found = [mark + each for each in (directory / "crl.pem").read_text().split(mark)[1:]]
    lists = [x509.load_pem_x509_crl(each.encode()) for each in found]
    return {each.issuer.rfc4514_string(): list(each) for each in lists}
