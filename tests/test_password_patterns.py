"""The patterns that rest on a network or a password: perimeter, basic and subsystem, asked by anybody."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import TooManyRequests

from services import passwords
from services.guesses import Guesses
from services.headers import basic_credentials
from services.identity import Identity, Malformed, NoCredentials, Refusal, Unauthenticated, Unavailable
from services.passwords import decoy
from services.patterns.basic import Basic
from services.patterns.perimeter import Perimeter
from services.patterns.subsystem import Subsystem
from services.users import UserStore
from tests import support
from tests.support import basic, bearer, request

pytestmark = pytest.mark.usefixtures("quick_hashes")

ALICE = {"name": "alice", "password": "wonderland"}
SERVICES = {"gateway": "the gateway's", "inventory": "the inventory's"}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user store, made once: a password takes its time to hash."""
    path = tmp_path_factory.mktemp("people") / "users.db"
    store = UserStore(path, writable=True)
    store.add("alice", "wonderland", ["orders:read"])
    store.add("bob", "b:u:ilder", [])
    store.add("zoë", "pässwörd", [])
    return path


@pytest.fixture(scope="module")
def hashes() -> str:
    """The list of callers that `orders` keeps."""
    return json.dumps({name: passwords.HASHER.hash(password) for name, password in SERVICES.items()})


@pytest.fixture
def end_users(tmp_path: Path, people: Path) -> Basic:
    told = support.settings(tmp_path, pattern="basic")
    shutil.copy(people, told.users_file)
    return Basic(told)


@pytest.fixture
def subsystem(tmp_path: Path, hashes: str) -> Subsystem:
    told = support.settings(tmp_path, pattern="subsystem")
    (tmp_path / "orders" / "secrets" / "callers.json").write_text(hashes)
    return Subsystem(told)


@pytest.fixture(params=["basic", "subsystem"])
def by_password(request: pytest.FixtureRequest) -> Basic | Subsystem:
    """Either pattern that reads HTTP Basic credentials."""
    found: Basic | Subsystem = request.getfixturevalue({"basic": "end_users"}.get(request.param, "subsystem"))
    return found


def raw(octets: bytes) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(octets).decode()}


GOOD = base64.b64encode(b"alice:wonderland").decode()
MALFORMED = {
    "nothing": {},
    "an empty header": {"Authorization": ""},
    "only the scheme": {"Authorization": "Basic"},
    "the scheme and a space": {"Authorization": "Basic "},
    "two spaces": {"Authorization": f"Basic  {GOOD}"},
    "a tab": {"Authorization": f"Basic\t{GOOD}"},
    "something after it": {"Authorization": f"Basic {GOOD} {GOOD}"},
    "no base64": {"Authorization": "Basic ~~~~"},
    "half of base64": {"Authorization": "Basic YWxpY2U"},
    "base64url": {"Authorization": "Basic " + base64.urlsafe_b64encode(b"alice:\xfb\xff\xfe").decode()},
    "no colon": raw(b"alice"),
    "no user-id": raw(b":wonderland"),
    "no password": raw(b"alice:"),
    "a trailing NUL": raw(b"alice:wonderland\0"),
    "a NUL in the user-id": raw(b"alice\0:wonderland"),
    "a trailing line feed": raw(b"alice:wonderland\n"),
    "carriage return and line feed": raw(b"alice:wonder\r\nland"),
    "DEL": raw(b"alice:wonderland\x7f"),
    "Latin-1": raw("zoë:pässwörd".encode("latin-1")),
    "UTF-16": raw("alice:wonderland".encode("utf-16")),
    "a surrogate": raw(b"alice:\xed\xa0\x80"),
    "another scheme": {"Authorization": f"Negotiate {GOOD}"},
    "Bearer": {"Authorization": f"Bearer {GOOD}"},
    "Basic glued to it": {"Authorization": f"Basic{GOOD}"},
    "another header": {"Proxy-Authorization": f"Basic {GOOD}", "X-Forwarded-Authorization": f"Basic {GOOD}"},
    "a cookie": {"Cookie": f"Authorization=Basic {GOOD}"},
}


@pytest.mark.parametrize("headers", MALFORMED.values(), ids=MALFORMED)
def test_malformed_credentials_prove_nobody(by_password: Basic | Subsystem, headers: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated):
        by_password.authenticate(request(headers))


@pytest.mark.parametrize("headers", MALFORMED.values(), ids=MALFORMED)
def test_malformed_credentials_are_refused_before_any_password_is_looked_at(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated):
        basic_credentials(request(headers))


@pytest.mark.parametrize("order", [1, -1], ids=["good first", "good last"])
@pytest.mark.parametrize("joined", [True, False], ids=["with a comma", "on two lines"])
@pytest.mark.parametrize("other", [basic("eve", "malice"), bearer("abc"), {"Authorization": ""}], ids=repr)
def test_two_credentials_are_malformed_even_if_one_of_them_is_good(
    by_password: Basic | Subsystem, order: int, joined: bool, other: dict[str, str]
) -> None:
    good = basic("alice", "wonderland") if isinstance(by_password, Basic) else basic("gateway", SERVICES["gateway"])
    values = [good["Authorization"], other["Authorization"]][::order]
    shown = [", ".join(values)] if joined else values
    with pytest.raises(Malformed) as refused:
        by_password.authenticate(request([("Authorization", value) for value in shown]))
    assert refused.value.status == 400


@pytest.mark.parametrize("path", ["/orders?access_token=abc", "/orders?user=alice&password=wonderland"])
def test_credentials_in_the_query_are_not_looked_at(by_password: Basic | Subsystem, path: str) -> None:
    with pytest.raises(Unauthenticated, match="no credential was shown"):
        by_password.authenticate(request(path=path))


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.binary(max_size=60).map(raw), st.text(max_size=60).map(lambda text: {"Authorization": text})))
def test_whatever_the_header_holds_is_read_or_refused(headers: dict[str, str]) -> None:
    try:
        value = headers["Authorization"].encode().decode("latin-1")
        user_id, password = basic_credentials(request({"Authorization": value.replace("\r", "").replace("\n", "")}))
    except (Refusal, UnicodeEncodeError):
        return
    assert headers["Authorization"] == basic(user_id, password)["Authorization"]
    assert user_id
    assert ":" not in user_id


class TestPerimeter:
    guard: Perimeter

    @pytest.fixture(autouse=True)
    def _guard(self, tmp_path: Path) -> None:
        self.guard = Perimeter(support.settings(tmp_path, pattern="perimeter"))

    def test_whoever_is_inside_is_believed(self) -> None:
        found = self.guard.authenticate(request({"X-User": "alice"}))
        assert (found.user, found.caller, found.vouched_by, found.scopes) == (
            "alice",
            "anyone inside",
            "network",
            frozenset(),
        )
        assert not found.caller_proven
        assert not found.user_proven

    def test_without_a_user_it_is_anyone_acting_for_nobody(self) -> None:
        assert self.guard.authenticate(request()).user is None

    @pytest.mark.parametrize("name", ["X-Forwarded-User", "Remote-User", "X-Remote-User", "X-User-Name"])
    def test_only_x_user_names_the_user(self, name: str) -> None:
        assert self.guard.authenticate(request({name: "alice"})).user is None


ASSERTED_AMISS = {
    "two": "alice, bob",
    "two glued": "alice,bob",
    "nobody": "",
    "capitals": "Alice",
    "a path": "../alice",
    "a space": "alice ",
    "an address": "alice@shop.test",
    "a homoglyph": "\u0430lice",
    "too long": "a" * 64,
    "a digit first": "1alice",
}


@pytest.mark.parametrize("value", ASSERTED_AMISS.values(), ids=ASSERTED_AMISS)
def test_a_user_who_cannot_be_is_not_asserted(subsystem: Subsystem, tmp_path: Path, value: str) -> None:
    shown = [("X-User", value.encode().decode("latin-1"))]
    with pytest.raises(Malformed, match="not one user name"):
        Perimeter(support.settings(tmp_path)).authenticate(request(shown))
    with pytest.raises(Malformed, match="not one user name"):
        subsystem.authenticate(request([*shown, *basic("gateway", SERVICES["gateway"]).items()]))


def test_two_users_are_not_asserted_at_once(tmp_path: Path) -> None:
    with pytest.raises(Malformed):
        Perimeter(support.settings(tmp_path)).authenticate(request([("X-User", "alice"), ("X-User", "bob")]))


class TestBasic:
    def test_the_users_password_proves_the_user(self, end_users: Basic) -> None:
        found = end_users.authenticate(request(basic("alice", "wonderland")))
        assert (found.user, found.caller, found.scopes) == ("alice", "alice", frozenset({"orders:read"}))
        assert found.user_proven
        assert not found.caller_proven

    def test_the_scheme_may_be_spelt_in_any_case(self, end_users: Basic) -> None:
        assert end_users.authenticate(request({"Authorization": f"bAsIc {GOOD}"})).user == "alice"

    @pytest.mark.parametrize(
        ("name", "password"), [("bob", "b:u:ilder"), ("zoë", "pässwörd"), ("zoe\u0308", "pässwörd")]
    )
    def test_colons_and_utf_8_are_good_in_a_password(self, end_users: Basic, name: str, password: str) -> None:
        assert end_users.authenticate(request(basic(name, password))).user == ("bob" if name == "bob" else "zoë")

    @pytest.mark.parametrize(
        ("name", "password"),
        [("alice", "looking-glass"), ("eve", "wonderland"), ("bob", "b"), ("admin", "admin"), ("orders", "orders")],
    )
    def test_a_wrong_password_proves_nobody(self, end_users: Basic, name: str, password: str) -> None:
        with pytest.raises(Unauthenticated, match=f"wrong name or password for {name}") as refused:
            end_users.authenticate(request(basic(name, password)))
        assert password not in str(refused.value).replace(name, "")

    def test_an_asserted_user_is_not_looked_at(self, end_users: Basic) -> None:
        assert end_users.authenticate(request({"X-User": "bob"} | basic("alice", "wonderland"))).user == "alice"

    def test_a_store_that_cannot_be_read_is_not_a_no(self, end_users: Basic) -> None:
        end_users.settings.users_file.unlink()
        fresh = Basic(end_users.settings)
        with pytest.raises(Unavailable):
            fresh.authenticate(request(basic("alice", "wonderland")))

    def test_the_next_service_is_shown_the_same_password(self, end_users: Basic) -> None:
        found = end_users.authenticate(request(basic("zoë", "pässwörd")))
        assert end_users.credentials_for("billing", found) == {
            "auth": ("zoë".encode(), "pässwörd".encode()),
            "verify": end_users.settings.bundle,
        }

    def test_the_password_is_not_in_what_is_printed(self, end_users: Basic) -> None:
        assert "wonderland" not in repr(end_users.authenticate(request(basic("alice", "wonderland"))))

    @pytest.mark.parametrize(("user", "credential"), [(None, "wonderland"), ("alice", None)])
    def test_without_a_password_there_is_nothing_to_show(
        self, end_users: Basic, user: str | None, credential: str | None
    ) -> None:
        nobody = Identity("alice", user, frozenset(), "password", "", credential)
        with pytest.raises(NoCredentials):
            end_users.credentials_for("billing", nobody)


class TestSubsystem:
    def test_a_services_password_proves_the_service_and_it_says_who_the_user_is(self, subsystem: Subsystem) -> None:
        found = subsystem.authenticate(request({"X-User": "alice"} | basic("gateway", SERVICES["gateway"])))
        assert (found.caller, found.user, found.vouched_by, found.scopes) == ("gateway", "alice", "caller", frozenset())
        assert found.caller_proven
        assert not found.user_proven
        assert found.credential is None

    @pytest.mark.parametrize(
        ("name", "password"),
        [
            ("gateway", SERVICES["inventory"]),
            ("gateway", "gateway"),
            ("billing", SERVICES["gateway"]),
            ("Gateway", SERVICES["gateway"]),
            ("gateway ", SERVICES["gateway"]),
            ("alice", "wonderland"),
            ("stranger", "nobody's password"),
        ],
    )
    def test_a_wrong_password_proves_nobody(self, subsystem: Subsystem, name: str, password: str) -> None:
        with pytest.raises(Unauthenticated, match="wrong name or password for service"):
            subsystem.authenticate(request(basic(name, password)))

    @pytest.mark.parametrize(
        "content", [None, "", "no JSON", "[]", '{"gateway": 1}', '{"gateway": []}', '{"gateway": ["a", "b", "c"]}']
    )
    def test_a_list_of_callers_that_cannot_be_read_is_not_a_no(self, subsystem: Subsystem, content: str | None) -> None:
        callers = subsystem.settings.dir / "orders" / "secrets" / "callers.json"
        callers.unlink()
        if content is not None:
            callers.write_text(content)
        with pytest.raises(Unavailable):
            subsystem.authenticate(request(basic("gateway", SERVICES["gateway"])))

    @pytest.mark.parametrize("stored", ["", "the gateway's", "$argon2id$v=19$"])
    def test_a_damaged_hash_lets_nobody_in(self, subsystem: Subsystem, stored: str) -> None:
        callers = subsystem.settings.dir / "orders" / "secrets" / "callers.json"
        callers.write_text(json.dumps({"gateway": stored}))
        with pytest.raises(Unauthenticated):
            subsystem.authenticate(request(basic("gateway", SERVICES["gateway"])))

    def test_a_rotated_password_counts_at_once(self, subsystem: Subsystem) -> None:
        callers = subsystem.settings.dir / "orders" / "secrets" / "callers.json"
        callers.write_text(json.dumps({"gateway": passwords.HASHER.hash("a new one")}))
        assert subsystem.authenticate(request(basic("gateway", "a new one"))).caller == "gateway"
        with pytest.raises(Unauthenticated):
            subsystem.authenticate(request(basic("gateway", SERVICES["gateway"])))

    def test_two_passwords_count_while_one_takes_the_others_place(self, subsystem: Subsystem) -> None:
        """So whoever shows the old one meanwhile is served; and the audit line says who still does."""
        callers = subsystem.settings.dir / "orders" / "secrets" / "callers.json"
        old, new = json.loads(callers.read_text())["gateway"], passwords.HASHER.hash("a new one")
        callers.write_text(json.dumps({"gateway": [new, old]}))
        for password, said in (("a new one", "the caller's password"), (SERVICES["gateway"], "the caller's older")):
            found = subsystem.authenticate(request(basic("gateway", password)))
            assert (found.caller, found.checked.startswith(said)) == ("gateway", True)
        callers.write_text(json.dumps({"gateway": [new]}))
        assert subsystem.authenticate(request(basic("gateway", "a new one"))).caller == "gateway"
        with pytest.raises(Unauthenticated):
            subsystem.authenticate(request(basic("gateway", SERVICES["gateway"])))

    def test_the_next_service_is_shown_our_own_password_and_told_the_user(self, subsystem: Subsystem) -> None:
        (subsystem.settings.dir / "orders" / "secrets" / "password").write_text("our own\n")
        found = subsystem.authenticate(request({"X-User": "alice"} | basic("gateway", SERVICES["gateway"])))
        assert subsystem.credentials_for("billing", found) == {
            "headers": {"X-User": "alice"},
            "auth": (b"orders", b"our own"),
            "verify": subsystem.settings.bundle,
        }

    def test_without_a_password_of_our_own_there_is_nothing_to_show(self, subsystem: Subsystem) -> None:
        found = subsystem.authenticate(request(basic("gateway", SERVICES["gateway"])))
        with pytest.raises(NoCredentials):
            subsystem.credentials_for("billing", found)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every hash that a password was held against."""
    decoy()  # its costs are those of the hasher that is replaced here
    tried: list[str] = []
    genuine = passwords.HASHER

    class Counting:
        def verify(self, stored: str, password: str) -> bool:
            tried.append(stored)
            return genuine.verify(stored, password)

    monkeypatch.setattr("services.passwords.HASHER", Counting())
    return tried


def test_while_one_callers_password_is_changed_a_wrong_one_costs_the_same_for_every_name(
    subsystem: Subsystem, seen: list[str]
) -> None:
    callers = subsystem.settings.dir / "orders" / "secrets" / "callers.json"
    known = json.loads(callers.read_text())
    callers.write_text(json.dumps(known | {"gateway": [known["gateway"], known["inventory"]]}))
    for name in ("gateway", "inventory", "stranger"):
        seen.clear()
        with pytest.raises(Unauthenticated):
            subsystem.authenticate(request(basic(name, "wrong")))
        assert len(seen) == 2


def test_an_unknown_name_costs_a_slow_hash_as_a_known_one_does(
    end_users: Basic, subsystem: Subsystem, seen: list[str]
) -> None:
    counts = []
    for guard, known in ((end_users, "alice"), (subsystem, "gateway")):
        for name in (known, "stranger"):
            seen.clear()
            with pytest.raises(Unauthenticated):
                guard.authenticate(request(basic(name, "wrong")))
            counts.append((len(seen), seen[0].split("$")[:4]))
    assert counts == [(1, ["", "argon2id", "v=19", "m=8,t=1,p=1"])] * 4  # as slow as all are here


class TestGuesses:
    """Slowing guessers down (OWASP ASVS 6.3.1)."""

    @staticmethod
    def fail(counted: Guesses, name: str, address: str) -> None:
        with pytest.raises(Unauthenticated), counted.counted(name, address):
            raise Unauthenticated("wrong")

    def test_after_ten_failures_not_even_the_right_password_is_tried(self) -> None:
        counted, tried = Guesses(), []
        for _ in range(10):
            self.fail(counted, "alice", "192.0.2.1")
        with pytest.raises(TooManyRequests) as refused, counted.counted("alice", "192.0.2.1"):
            tried.append("once more")
        assert tried == []
        assert 1 <= int(dict(refused.value.get_headers())["Retry-After"]) <= 60

    @pytest.mark.parametrize(("name", "address"), [("alice", "192.0.2.2"), ("bob", "192.0.2.1")])
    def test_the_owner_still_gets_in_from_elsewhere_and_others_from_there(self, name: str, address: str) -> None:
        counted = Guesses()
        for _ in range(10):
            self.fail(counted, "alice", "192.0.2.1")
        with counted.counted(name, address):
            pass

    def test_what_succeeds_is_not_counted(self) -> None:
        counted = Guesses()
        for _ in range(11):
            with counted.counted("alice", "192.0.2.1"):
                pass

    def test_guesses_made_at_once_count_like_guesses_in_a_row(self) -> None:
        counted, third, tried = Guesses(per_name=2), threading.Barrier(3), []

        def guess(number: int) -> None:
            with contextlib.suppress(TooManyRequests, Unauthenticated), counted.counted("alice", "192.0.2.1"):
                tried.append(number)
                with contextlib.suppress(threading.BrokenBarrierError):
                    third.wait(0.2)  # who gets in would wait for a third to get in as well
                raise Unauthenticated("wrong")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(guess, range(8)))
        assert len(tried) == 2

    def test_right_passwords_at_once_are_none_too_many(self) -> None:
        counted = Guesses(per_name=2)

        def log_in(_: int) -> str:
            with counted.counted("alice", "192.0.2.1"):
                return "in"

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(log_in, range(32))) == ["in"] * 32

    def test_one_name_in_two_spellings_has_one_count(self) -> None:
        counted = Guesses(per_name=2)
        for name in ("ren\u00e9e", "rene\u0301e"):  # the store takes the two for one (RFC 8265 §4.2)
            self.fail(counted, name, "192.0.2.1")
        with pytest.raises(TooManyRequests), counted.counted("ren\u00e9e", "192.0.2.1"):
            pass

    def test_an_outage_is_not_counted_as_a_guess(self) -> None:
        counted = Guesses()
        for _ in range(11):
            with pytest.raises(Unavailable), counted.counted("alice", "192.0.2.1"):
                raise Unavailable("the store is away")

    def test_a_minute_later_it_may_be_tried_again(self) -> None:
        now = [0.0]
        counted = Guesses(lambda: now[0])
        for _ in range(10):
            self.fail(counted, "alice", "192.0.2.1")
        now[0] = 59.0
        with pytest.raises(TooManyRequests) as refused, counted.counted("alice", "192.0.2.1"):
            pass
        assert dict(refused.value.get_headers())["Retry-After"] == "1"
        now[0] = 60.0
        with counted.counted("alice", "192.0.2.1"):
            pass

    def test_one_password_is_not_tried_on_everybody(self) -> None:
        counted = Guesses()
        for number in range(60):
            self.fail(counted, f"user{number}", "192.0.2.1")
        with pytest.raises(TooManyRequests), counted.counted("another", "192.0.2.1"):
            pass
        with counted.counted("another", "192.0.2.2"):
            pass
