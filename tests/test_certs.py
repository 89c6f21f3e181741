"""The CA as a keeper of records and files: what it writes, what it remembers, what it renews."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import certs
from certs import (
    CA,
    AlreadyExists,
    BadName,
    DamagedIndex,
    IssuerExpired,
    Leaf,
    Lifetimes,
    NoAuthority,
    Undelivered,
    UnknownLeaf,
    files,
    rolling,
)
from certs.index import Index

HOUR = timedelta(hours=1)


class Clock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ca(tmp_path: Path, clock: Clock) -> CA:
    return CA.create(tmp_path / "ca", clock=clock)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "orders" / "tls"


def crl(directory: Path) -> x509.CertificateRevocationList:
    return x509.load_pem_x509_crl((directory / "crl.pem").read_bytes())


def number(directory: Path) -> int:
    return crl(directory).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def serials(directory: Path) -> set[str]:
    return {f"{entry.serial_number:040x}" for entry in crl(directory)}


def serial_in(home: Path) -> str:
    return f"{x509.load_pem_x509_certificate((home / 'leaf.pem').read_bytes()).serial_number:040x}"


def is_a_pair(home: Path) -> bool:
    leaf = x509.load_pem_x509_certificate((home / "leaf.pem").read_bytes())
    key = serialization.load_pem_private_key((home / "key.pem").read_bytes(), password=None)
    return leaf.public_key() == key.public_key()


class TestFiles:
    @pytest.mark.parametrize("umask", [0o000, 0o077], ids=oct)
    def test_modes_do_not_depend_on_the_umask(self, tmp_path: Path, home: Path, umask: int) -> None:
        before = os.umask(umask)
        try:
            ca = CA.create(tmp_path / "ca")
            ca.issue("orders", home)
        finally:
            os.umask(before)
        modes = {path.name: path.stat().st_mode & 0o777 for path in [*home.iterdir(), *ca.directory.iterdir()]}
        assert modes["key.pem"] == modes["root.1-key.pem"] == modes["issuing.1-key.pem"] == 0o600
        assert modes["leaf.pem"] == modes["bundle.pem"] == modes["crl.pem"] == 0o644
        assert home.stat().st_mode & 0o777 == ca.directory.stat().st_mode & 0o777 == 0o700

    def test_a_directory_that_others_could_enter_is_closed_to_them(self, ca: CA, home: Path) -> None:
        home.mkdir(parents=True)
        home.chmod(0o755)
        ca.issue("orders", home)
        assert home.stat().st_mode & 0o777 == 0o700

    def test_a_leaf_gets_its_own_files_and_nothing_of_the_ca(self, ca: CA, home: Path) -> None:
        ca.issue("orders", home)
        assert {path.name for path in home.iterdir()} == {"leaf.pem", "key.pem", "bundle.pem", "crl.pem"}
        assert (home / "bundle.pem").read_bytes() == (ca.directory / "root.1.pem").read_bytes()
        assert is_a_pair(home)

    def test_who_has_a_file_open_goes_on_reading_the_old_one(self, ca: CA, home: Path) -> None:
        ca.issue("orders", home)
        before = (home / "crl.pem").read_bytes()
        with (home / "crl.pem").open("rb", buffering=0) as reader:  # or the first look would read all of it
            half = reader.read(40)
            ca.publish()
            assert half + reader.read() == before
        assert (home / "crl.pem").read_bytes() != before

    def test_no_unfinished_file_stays_behind(self, ca: CA, home: Path) -> None:
        ca.issue("orders", home)
        ca.publish()
        assert not [path for place in (home, ca.directory) for path in place.iterdir() if path.suffix == ".new"]

    def test_what_a_killed_writer_left_is_no_obstacle_and_lends_no_mode(self, ca: CA, home: Path) -> None:
        home.mkdir(parents=True)
        (home / ".key.pem.new").write_text("half a key")
        with (home / ".key.pem.new").open() as eavesdropper:
            ca.issue("orders", home)
            assert "PRIVATE" not in eavesdropper.read()

    def test_a_full_disk_changes_nothing(self, ca: CA, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        ca.issue("orders", home)
        before = {path: path.read_bytes() for path in [*home.iterdir(), *ca.directory.iterdir()]}

        def full(_descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            ca.issue("orders", home)
        assert {path: path.read_bytes() for path in [*home.iterdir(), *ca.directory.iterdir()]} == before

    def test_a_secret_has_its_mode_from_the_first_byte(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "fchmod", lambda _descriptor, _mode: None)  # as if read before it
        before = os.umask(0)
        try:
            with files.staged(tmp_path, {"key.pem": b"secret"}):
                assert (tmp_path / ".key.pem.new").stat().st_mode & 0o777 == 0o600
        finally:
            os.umask(before)


class TestIssue:
    def test_the_index_knows_every_leaf(self, ca: CA, home: Path, clock: Clock) -> None:
        leaf = ca.issue("orders", home, ("orders", "localhost"))
        assert ca.index().leaves == (leaf,)
        assert leaf == Leaf(
            serial_in(home),
            "orders",
            ("orders", "localhost"),
            home,
            issued=clock.now,
            not_after=clock.now + 24 * HOUR,
            issuer="issuing.1",
        )

    def test_a_leaf_has_its_own_name_unless_told_otherwise(self, ca: CA, home: Path) -> None:
        assert ca.issue("orders", home).dns_names == ("orders",)

    def test_each_leaf_has_a_key_of_its_own(self, ca: CA, home: Path) -> None:
        ca.issue("orders", home)
        first = (home / "key.pem").read_bytes()
        ca.issue("orders", home)
        assert (home / "key.pem").read_bytes() != first

    @pytest.mark.parametrize(
        "name", ["", "Orders", "1st", "-x", "or ders", "a/b", "orders\n", "../x", "ö", "a_b", "a" * 64]
    )
    def test_a_name_that_is_not_a_service_name_is_refused(self, ca: CA, home: Path, name: str) -> None:
        with pytest.raises(BadName, match="not a service name"):
            ca.issue(name, home, ("orders",))
        assert not home.exists()
        assert not ca.index().leaves

    @pytest.mark.parametrize(
        "host",
        [
            "*.shop.test",
            "*",
            "127.0.0.1",
            "::1",
            "a..b",
            "a.",
            "-a",
            "a-",
            "A",
            "a\n",
            "a b",
            "",
            "a." * 127 + "a",
        ],
    )
    def test_a_dns_name_that_is_not_one_host_is_refused(self, ca: CA, home: Path, host: str) -> None:
        with pytest.raises(BadName, match="not a host's name"):
            ca.issue("orders", home, ("orders", host))

    @pytest.mark.parametrize("host", ["elsewhere", "xorders", "orders.test", "ordersx", "orders.billing.x"])
    def test_a_host_that_no_reader_would_accept_is_refused(self, ca: CA, home: Path, host: str) -> None:
        with pytest.raises(BadName, match="none of the hosts that this CA may vouch for: gateway, idp, orders"):
            ca.issue("orders", home, ("orders", host))
        assert not home.exists()
        assert not ca.index().leaves

    def test_the_hosts_are_those_told_and_what_is_under_them(self, tmp_path: Path, home: Path) -> None:
        ca = CA.create(tmp_path / "other", hosts=["shop.test"])
        ca.issue("orders", home, ("shop.test", "orders.shop.test"))
        with pytest.raises(BadName, match="none of the hosts"):
            ca.issue("orders", home)

    @pytest.mark.parametrize(("hosts", "words"), [([], "at least one host"), (["*"], "not a host's name")])
    def test_an_intermediate_that_could_vouch_for_any_host_is_not_made(
        self, tmp_path: Path, hosts: list[str], words: str
    ) -> None:
        with pytest.raises(BadName, match=words):
            CA.create(tmp_path / "other", hosts=hosts)
        assert not (tmp_path / "other" / "index.json").exists()

    def test_a_service_name_that_is_no_host_name_needs_a_dns_name(self, ca: CA, home: Path) -> None:
        with pytest.raises(BadName, match="'orders-' is not a host's name"):
            ca.issue("orders-", home)
        ca.issue("orders-", home, ("orders",))

    @pytest.mark.parametrize("trust_domain", ["", "Shop.test", "shop.test/x", "shop test", "shop.test\n"])
    def test_a_trust_domain_is_checked(self, tmp_path: Path, trust_domain: str) -> None:
        with pytest.raises(BadName, match="not a trust domain"):
            CA.create(tmp_path / "ca", trust_domain)

    def test_two_processes_issuing_at_once_lose_nothing(self, ca: CA, tmp_path: Path) -> None:
        script = """
import sys
from pathlib import Path
from certs import CA
ca, who, homes = CA.open(Path(sys.argv[1])), sys.argv[2], Path(sys.argv[3])
sys.stdin.read(1)
for turn in range(10):
    ca.issue(f"{who}-{turn}", homes / f"{who}-{turn}", ["orders"])
"""
        root = Path(certs.__file__).parents[1]
        both = [
            subprocess.Popen(
                [sys.executable, "-c", script, ca.directory, who, tmp_path / "homes"],
                cwd=root,
                stdin=subprocess.PIPE,
            )
            for who in ("one", "two")
        ]
        for process in both:
            assert process.stdin
            process.stdin.write(b".")
            process.stdin.close()
        assert [process.wait(120) for process in both] == [0, 0]
        leaves = ca.index().leaves
        assert len(leaves) == len({leaf.serial for leaf in leaves}) == 20
        assert all(serial_in(leaf.into) == leaf.serial for leaf in leaves)

    def test_whoever_changes_anything_holds_the_lock_before_looking(
        self, ca: CA, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two processes that meet only sometimes collide; this notices each time."""
        locked, index = files.locked, CA.index
        held: list[Path] = []
        seen: list[bool] = []

        @contextmanager
        def noted(directory: Path) -> Iterator[None]:
            with locked(directory):
                held.append(directory)
                yield
                held.pop()

        def looked(ca: CA) -> Index:
            seen.append(ca.directory in held)
            return index(ca)

        monkeypatch.setattr(files, "locked", noted)
        monkeypatch.setattr(CA, "index", looked)
        changes: list[Callable[[], object]] = [
            lambda: ca.issue("orders", home),
            lambda: ca.revoke("orders"),
            lambda: ca.reissue("orders"),
            ca.publish,
            ca.renew_due,
            lambda: rolling.begin(ca, "root"),
            lambda: rolling.switch(ca),
            lambda: rolling.finish(ca),
        ]
        for change in changes:
            change()
            assert seen.pop(0)
        assert all(seen)

    def test_a_newcomer_does_not_start_with_a_crl_that_has_run_out(self, ca: CA, home: Path, clock: Clock) -> None:
        clock.now += 2 * HOUR
        ca.issue("orders", home)
        assert crl(home).next_update_utc == clock.now + HOUR


class TestOpening:
    def test_opening_gives_the_same_ca(self, ca: CA, home: Path) -> None:
        leaf = ca.issue("orders", home)
        again = CA.open(ca.directory)
        assert again.root == ca.root
        assert again.index().leaves == (leaf,)

    def test_lifetimes_are_remembered(self, tmp_path: Path, clock: Clock) -> None:
        lives = Lifetimes(root=5 * HOUR, intermediate=4 * HOUR, leaf=2 * HOUR, crl=HOUR / 2)
        CA.create(tmp_path / "ca", lifetimes=lives, clock=clock)
        ca = CA.open(tmp_path / "ca", clock=clock)
        assert ca.index().lifetimes == lives
        assert ca.root.not_valid_after_utc == clock.now + 5 * HOUR
        assert ca.issue("orders", tmp_path / "tls").not_after == clock.now + 2 * HOUR

    @pytest.mark.parametrize("which", ["root", "intermediate", "leaf", "crl"])
    def test_a_lifetime_of_nothing_is_refused(self, which: str) -> None:
        with pytest.raises(ValueError, match=f"life of a {which}"):
            Lifetimes(**{which: timedelta(0)})

    def test_a_second_ca_does_not_overwrite_the_first(self, ca: CA) -> None:
        key = (ca.directory / "root.1-key.pem").read_bytes()
        with pytest.raises(AlreadyExists, match="holds a CA already"):
            CA.create(ca.directory)
        assert (ca.directory / "root.1-key.pem").read_bytes() == key

    @pytest.mark.parametrize(
        "missing", ["index.json", "root.1.pem", "root.1-key.pem", "issuing.1.pem", "issuing.1-key.pem"]
    )
    def test_a_directory_without_a_ca_is_no_ca(self, ca: CA, missing: str) -> None:
        (ca.directory / missing).unlink()
        with pytest.raises(NoAuthority, match="there is no CA in"):
            CA.open(ca.directory)

    @pytest.mark.parametrize("content", ["", "[]", "{}", "null", '{"lifetimes": {"leaf": 0}}'])
    def test_an_index_that_cannot_be_read_is_said_to_be(self, ca: CA, content: str) -> None:
        (ca.directory / "index.json").write_text(content)
        with pytest.raises(DamagedIndex, match=r"index\.json cannot be read"):
            CA.open(ca.directory)

    def test_a_name_that_the_package_does_not_have_is_an_attribute_error(self) -> None:
        with pytest.raises(AttributeError, match="no attribute 'nothing'"):
            certs.nothing  # noqa: B018 - looking it up is the test

    def test_all_that_the_package_offers_is_there(self) -> None:
        assert {name: getattr(certs, name).__name__ for name in certs.__all__} == {name: name for name in certs.__all__}


class TestRevoke:
    def test_by_name_every_leaf_that_could_still_be_shown_is_taken_back(self, ca: CA, home: Path) -> None:
        old, new = ca.issue("orders", home), ca.issue("orders", home)
        other = ca.issue("billing", home.parents[1] / "billing")
        revoked = ca.revoke("orders")
        assert {leaf.serial for leaf in revoked} == {old.serial, new.serial} == serials(ca.directory)
        assert other.serial not in serials(ca.directory)

    def test_by_serial_number_only_that_leaf_is_taken_back(self, ca: CA, home: Path) -> None:
        old, new = ca.issue("orders", home), ca.issue("orders", home)
        ca.revoke(old.serial.upper())
        assert serials(ca.directory) == {old.serial}
        assert [leaf.serial for leaf in ca.index().leaves if not leaf.revoked] == [new.serial]

    def test_the_entry_says_when_and_why(self, ca: CA, home: Path, clock: Clock) -> None:
        ca.issue("orders", home)
        ca.revoke("orders", x509.ReasonFlags.cessation_of_operation)
        (entry,) = crl(ca.directory)
        assert entry.revocation_date_utc == clock.now
        reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
        assert reason is x509.ReasonFlags.cessation_of_operation

    def test_no_reason_is_written_as_no_extension(self, ca: CA, home: Path) -> None:
        ca.issue("orders", home)
        ca.revoke("orders", x509.ReasonFlags.unspecified)
        (entry,) = crl(ca.directory)
        assert not list(entry.extensions)

    def test_revoking_again_keeps_the_first_date_and_reason(self, ca: CA, home: Path, clock: Clock) -> None:
        ca.issue("orders", home)
        (first,) = ca.revoke("orders", x509.ReasonFlags.superseded)
        clock.now += HOUR / 2
        (again,) = ca.revoke("orders")
        assert again == first

    def test_an_unknown_name_is_an_error_and_signs_nothing(self, ca: CA) -> None:
        with pytest.raises(UnknownLeaf, match="'nobody'"):
            ca.revoke("nobody")
        assert number(ca.directory) == 1

    def test_an_expired_leaf_needs_no_revocation(self, ca: CA, home: Path, clock: Clock) -> None:
        ca.issue("orders", home)
        clock.now += 24 * HOUR
        with pytest.raises(UnknownLeaf):
            ca.revoke("orders")

    def test_an_entry_stays_while_the_leaf_would_be_valid(self, ca: CA, home: Path, clock: Clock) -> None:
        leaf = ca.issue("orders", home)
        ca.revoke("orders")
        for _ in range(3):
            clock.now += 7 * HOUR
            ca.publish()
            assert serials(home) == {leaf.serial}

    def test_an_entry_stays_until_one_crl_after_the_leaf_expired(self, ca: CA, home: Path, clock: Clock) -> None:
        leaf = ca.issue("orders", home)
        ca.revoke("orders")
        clock.now += 25 * HOUR
        ca.publish()
        assert serials(ca.directory) == {leaf.serial}
        ca.publish()
        assert serials(ca.directory) == set()

    def test_leaves_that_nobody_can_show_any_more_are_forgotten(self, ca: CA, home: Path, clock: Clock) -> None:
        ca.issue("orders", home)
        new = ca.issue("orders", home)
        clock.now += 25 * HOUR
        ca.publish()
        ca.publish()
        assert [leaf.serial for leaf in ca.index().leaves] == [new.serial]


class TestPublish:
    def test_the_number_rises_with_each_list(self, ca: CA, home: Path) -> None:
        ca.issue("orders", home)
        assert [number(home), ca.publish(), number(home), ca.publish()] == [1, 2, 2, 3]

    def test_every_leaf_learns_of_it(self, ca: CA, tmp_path: Path) -> None:
        places = [tmp_path / name for name in ("orders", "billing")]
        for place in places:
            ca.issue(place.name, place)
        (revoked,) = ca.revoke("orders")
        assert [serials(place) for place in places] == [set(), set()]
        ca.publish()
        assert [serials(place) for place in places] == [{revoked.serial}, {revoked.serial}]

    def test_a_directory_that_is_gone_is_passed_over(self, ca: CA, home: Path) -> None:
        ca.issue("orders", home)
        home.rename(home.with_name("elsewhere"))
        ca.publish()
        assert not home.exists()

    def test_one_that_cannot_be_written_does_not_keep_the_others_from_theirs(self, ca: CA, tmp_path: Path) -> None:
        broken, fine = tmp_path / "broken", tmp_path / "fine"
        ca.issue("orders", broken)
        ca.issue("billing", fine)
        (broken / "crl.pem").unlink()
        (broken / "crl.pem").mkdir()
        with pytest.raises(Undelivered, match="directory"):
            ca.publish()
        assert number(fine) == 2

    def test_what_was_not_delivered_is_delivered_by_the_next_round(self, ca: CA, home: Path, clock: Clock) -> None:
        ca.issue("orders", home)
        (home / "crl.pem").write_bytes(b"stale")
        assert [event.event for event in ca.renew_due(clock.now)] == ["delivered"]
        assert number(home) == 1


class TestRenewal:
    def test_a_leaf_is_renewed_at_half_its_life_and_not_before(self, ca: CA, home: Path, clock: Clock) -> None:
        old = ca.issue("orders", home, ("orders", "localhost"))
        ca.renew_due(clock.now + 12 * HOUR - timedelta(seconds=1))
        assert serial_in(home) == old.serial
        events = ca.renew_due(clock.now + 12 * HOUR)
        new = ca.index().leaves[-1]
        assert "renewed" in [event.event for event in events]
        assert serial_in(home) == new.serial != old.serial
        assert new.dns_names == old.dns_names
        assert new.not_after == clock.now + 36 * HOUR
        assert is_a_pair(home)

    def test_a_superseded_leaf_is_neither_revoked_nor_renewed(self, ca: CA, home: Path, clock: Clock) -> None:
        ca.issue("orders", home)
        ca.renew_due(clock.now + 12 * HOUR)
        assert serials(home) == set()
        assert "renewed" not in [event.event for event in ca.renew_due(clock.now + 13 * HOUR)]

    def test_a_revoked_leaf_is_not_renewed(self, ca: CA, home: Path, clock: Clock) -> None:
        leaf = ca.issue("orders", home)
        ca.revoke("orders")
        ca.renew_due(clock.now + 23 * HOUR)
        assert serial_in(home) == leaf.serial
        assert serials(home) == {leaf.serial}

    def test_a_revoked_service_is_good_again_when_somebody_issues_to_it(self, ca: CA, home: Path) -> None:
        ca.issue("orders", home)
        ca.revoke("orders")
        new = ca.issue("orders", home)
        assert new.serial not in serials(home)

    def test_an_expired_leaf_is_renewed_when_the_keeper_comes_back(self, ca: CA, home: Path, clock: Clock) -> None:
        ca.issue("orders", home)
        clock.now += 72 * HOUR
        ca.publish()
        ca.publish()
        ca.renew_due()
        assert ca.index().current()[0].not_after == clock.now + 24 * HOUR

    def test_the_crl_is_signed_again_after_a_quarter_of_its_life(self, ca: CA, home: Path, clock: Clock) -> None:
        ca.issue("orders", home)
        assert ca.renew_due(clock.now + HOUR / 4 - timedelta(seconds=1)) == []
        events = ca.renew_due(clock.now + HOUR / 4)
        assert [event.event for event in events] == ["crl_signed", "delivered"]
        assert number(home) == 2
        assert crl(home).next_update_utc == clock.now + HOUR * 5 / 4

    def test_when_nothing_is_due_nothing_is_touched(self, ca: CA, home: Path, clock: Clock) -> None:
        ca.issue("orders", home)
        before = {path: path.stat().st_mtime_ns for path in home.iterdir()}
        assert ca.renew_due(clock.now) == []
        assert {path: path.stat().st_mtime_ns for path in home.iterdir()} == before

    @pytest.mark.parametrize("last", ["key.pem", "leaf.pem"])
    def test_a_renewal_that_was_interrupted_is_done_again(
        self, ca: CA, home: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, last: str
    ) -> None:
        ca.issue("orders", home)
        really = os.replace

        def killed(source: Path, target: Path) -> None:
            if Path(target) == home / last:
                raise OSError("killed here")
            really(source, target)

        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", killed)
            (event,) = [event for event in ca.renew_due(clock.now + 12 * HOUR) if event.event == "failed"]
            assert event.details == {"name": "orders", "reason": "killed here"}
        assert "renewed" in [event.event for event in ca.renew_due(clock.now + 12 * HOUR)]
        assert is_a_pair(home)
        assert serial_in(home) == ca.index().current()[0].serial

    @pytest.mark.parametrize("content", [None, b"rubbish", "another's"], ids=str)
    def test_a_leaf_that_lost_its_key_gets_another(
        self, ca: CA, home: Path, tmp_path: Path, clock: Clock, content: bytes | str | None
    ) -> None:
        ca.issue("orders", home)
        ca.issue("billing", tmp_path / "billing")
        (home / "key.pem").unlink()
        if content:
            another = (tmp_path / "billing" / "key.pem").read_bytes()
            (home / "key.pem").write_bytes(content if isinstance(content, bytes) else another)
        (event,) = ca.renew_due(clock.now)
        assert (event.event, event.details["name"]) == ("renewed", "orders")
        assert is_a_pair(home)

    def test_a_leaf_recorded_before_its_delivery_failed_is_not_forgotten(
        self, ca: CA, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("orders", "billing"):
            ca.issue(name, tmp_path / name)
        really = os.replace

        def failing(source: Path, target: Path) -> None:
            if Path(target) == tmp_path / "orders" / "bundle.pem":
                raise OSError("not now")
            really(source, target)

        monkeypatch.setattr(os, "replace", failing)
        ca.renew_due(clock.now + 12 * HOUR)
        assert [leaf.name for leaf in ca.index().leaves].count("orders") == 2

    def test_a_crl_that_was_recorded_and_not_written_is_signed_again(
        self, ca: CA, home: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        leaf = ca.issue("orders", home)
        really = os.replace

        def killed(source: Path, target: Path) -> None:
            if Path(target).name == "crl.pem":
                raise OSError("killed here")
            really(source, target)

        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", killed)
            with pytest.raises(OSError, match="killed here"):
                ca.revoke("orders")
        assert serials(ca.directory) == set()
        ca.renew_due(clock.now)
        assert serials(home) == {leaf.serial}

    def test_a_crl_that_is_gone_is_signed_again(self, ca: CA, clock: Clock) -> None:
        (ca.directory / "crl.pem").unlink()
        ca.renew_due(clock.now)
        assert number(ca.directory) == 2

    def test_no_leaf_is_renewed_into_a_directory_that_is_gone(self, ca: CA, home: Path, clock: Clock) -> None:
        ca.issue("orders", home)
        home.rename(home.with_name("elsewhere"))
        ca.renew_due(clock.now + 12 * HOUR)
        assert not home.exists()

    def test_a_leaf_cannot_outlive_the_root_and_is_not_renewed_for_nothing(
        self, tmp_path: Path, home: Path, clock: Clock
    ) -> None:
        ca = CA.create(tmp_path / "ca", lifetimes=Lifetimes(root=30 * HOUR), clock=clock)
        ca.issue("orders", home)
        ca.renew_due(clock.now + 12 * HOUR)
        assert ca.index().current()[0].not_after == ca.root.not_valid_after_utc
        events = ca.renew_due(clock.now + 29 * HOUR)
        assert not {"renewed", "failed"} & {event.event for event in events}
        (failed,) = [event for event in ca.renew_due(clock.now + 30 * HOUR) if event.event == "failed"]
        assert "issuing.1 expired at 2030-01-02 18:00:00" in str(failed.details["reason"])

    def test_an_expired_root_is_said_to_be_and_issues_nothing(
        self, ca: CA, home: Path, tmp_path: Path, clock: Clock
    ) -> None:
        ca.issue("orders", home)
        clock.now += timedelta(days=7)
        with pytest.raises(IssuerExpired, match=r"issuing\.1 expired at 2030-01-04"):
            ca.issue("billing", tmp_path / "billing")
        assert [e.details["name"] for e in ca.renew_due() if e.event == "failed"] == ["orders"]

    def test_each_directory_of_a_service_is_renewed(self, ca: CA, tmp_path: Path, clock: Clock) -> None:
        replicas = [tmp_path / "one", tmp_path / "two"]
        for replica in replicas:
            ca.issue("orders", replica)
        events = ca.renew_due(clock.now + 12 * HOUR)
        assert [event.event for event in events].count("renewed") == 2

    @pytest.mark.parametrize("spelling", ["there/../orders/tls", "there/tls"])
    def test_a_directory_of_two_spellings_is_one(self, ca: CA, home: Path, tmp_path: Path, spelling: str) -> None:
        ca.issue("orders", home)
        (tmp_path / "there").symlink_to(home.parent)
        ca.issue("orders", tmp_path / spelling)
        assert [leaf.into for leaf in ca.index().current()] == [home]
        assert ca.renew_due() == []

    def test_the_index_is_json_that_people_can_read(self, ca: CA, home: Path) -> None:
        leaf = ca.issue("orders", home)
        (read,) = json.loads((ca.directory / "index.json").read_text())["leaves"]
        assert read == {
            "serial": leaf.serial,
            "name": "orders",
            "dns_names": ["orders"],
            "into": str(home),
            "issued": "2030-01-01T12:00:00+00:00",
            "not_after": "2030-01-02T12:00:00+00:00",
            "issuer": "issuing.1",
            "revoked": None,
            "reason": None,
        }
