"""The IdP's keys as a service keeps them, against a clock that moves when told to and an IdP that can fail."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt as pyjwt
import pytest

from services.access_token import verify
from services.identity import Unauthenticated, Unavailable
from services.keys import COOLDOWN, LIFETIME, STALE, Keys, usable
from tests.support import ISSUER, Issuer, Turnstile

A_MOMENT = 0.001


class Clock:
    """A monotonic clock that moves when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Idp:
    """What the IdP publishes, how often it was asked, and whether it answers."""

    def __init__(self, *issuers: Issuer) -> None:
        self.publish(*issuers)
        self.fetches = 0
        self.down = False

    def publish(self, *issuers: Issuer) -> None:
        self.document: Any = {"keys": [key for issuer in issuers for key in issuer.jwks()["keys"]]}

    def __call__(self) -> Mapping[str, Any]:
        self.fetches += 1
        if self.down:
            raise Unavailable("the IdP does not answer")
        found: Mapping[str, Any] = self.document
        return found


OLD, NEW = Issuer(kid="old"), Issuer(kid="new")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def idp() -> Idp:
    return Idp(OLD)


@pytest.fixture
def keys(idp: Idp, clock: Clock) -> Keys:
    return Keys(idp, clock)


def shown(value: object) -> str:
    """A test's name for `value`: without the numbers of a key, which are others every time it is made."""
    return re.sub(r"'[\w-]{43,}'", "…", str(value))


def unknown(keys: Keys, kid: str) -> None:
    """The IdP has no key of that name."""
    with pytest.raises(Unauthenticated, match="kid") as caught:
        keys.find(kid)
    assert caught.value.error == "invalid_token"


class TestFetching:
    def test_no_key_is_fetched_before_one_is_needed(self, keys: Keys, idp: Idp) -> None:
        assert idp.fetches == 0

    def test_one_fetch_serves_many_tokens(self, keys: Keys, idp: Idp) -> None:
        found = {keys.find("old") for _ in range(100)}
        assert (len(found), idp.fetches) == (1, 1)
        assert found.pop().algorithm_name == "ES256"

    def test_the_set_is_fetched_again_after_its_lifetime_and_not_before(
        self, keys: Keys, idp: Idp, clock: Clock
    ) -> None:
        keys.find("old")
        clock.now += LIFETIME
        keys.find("old")
        assert idp.fetches == 1
        clock.now += A_MOMENT
        keys.find("old")
        assert idp.fetches == 2
        keys.find("old")
        assert idp.fetches == 2

    def test_a_set_that_just_came_is_fresh_whatever_the_clock_started_at(self, idp: Idp, clock: Clock) -> None:
        for start in (0.0, 1.0, -5.0, 1e9):
            clock.now = start
            Keys(idp, clock).find("old")

    def test_a_flood_of_made_up_key_ids_costs_the_idp_two_fetches(self, keys: Keys, idp: Idp, clock: Clock) -> None:
        keys.find("old")
        clock.now += COOLDOWN
        for number in range(200):
            clock.now += COOLDOWN / 250
            unknown(keys, f"made-up-{number}")
        assert idp.fetches == 2

    def test_a_flood_on_a_service_that_just_started_costs_one_fetch(self, keys: Keys, idp: Idp, clock: Clock) -> None:
        for number in range(200):
            unknown(keys, f"made-up-{number}")
        assert idp.fetches == 1

    def test_a_flood_of_forged_tokens_does_not_keep_out_a_good_one(self, keys: Keys, idp: Idp) -> None:
        forger = Issuer(kid="old")
        for number in range(50):
            with pytest.raises(Unauthenticated):
                verify(forger.token({"kid": f"made-up-{number}"}), keys, ISSUER, "orders")
        assert verify(OLD.token(), keys, ISSUER, "orders").sub == "alice"
        assert idp.fetches == 1

    def test_a_flood_from_many_threads_costs_one_fetch(self, keys: Keys, idp: Idp) -> None:
        start = threading.Barrier(16)
        answers: list[str] = []

        def ask(number: int) -> None:
            start.wait(timeout=10)
            try:
                keys.find("old" if number % 2 else f"made-up-{number}")
                answers.append("found")
            except Unauthenticated:
                answers.append("unknown")

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=10)
        assert sorted(answers) == ["found"] * 8 + ["unknown"] * 8
        assert idp.fetches == 1

    def test_whoever_waited_for_a_slow_fetch_does_not_fetch_again(
        self, keys: Keys, idp: Idp, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        second = During(keys, idp, monkeypatch, lambda: setattr(clock, "now", clock.now + COOLDOWN))
        keys.find("old")
        assert second.answer() == "found"
        assert idp.fetches == 1

    def test_whoever_has_a_key_to_go_on_with_does_not_wait_for_a_fetch(
        self, keys: Keys, idp: Idp, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keys.find("old")
        clock.now += LIFETIME + A_MOMENT
        second = During(keys, idp, monkeypatch, lambda: second.thread.join(timeout=5))
        fetched_before = idp.fetches
        keys.find("old")
        assert second.answered_before_the_fetch_ended
        assert second.answer() == "found"
        assert idp.fetches == fetched_before + 1

    def test_whoever_has_only_keys_that_are_too_old_waits_for_the_fetch(
        self, keys: Keys, idp: Idp, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keys.find("old")
        clock.now += STALE + A_MOMENT  # an hour without a request is no outage
        second = During(keys, idp, monkeypatch, lambda: None)
        keys.find("old")
        assert second.answer() == "found"


class During:
    """A second thread that asks for the key while the IdP is answering the first; `then` happens before it answers."""

    def __init__(self, keys: Keys, idp: Idp, monkeypatch: pytest.MonkeyPatch, then: Callable[[], object]) -> None:
        turnstile = Turnstile()
        monkeypatch.setattr(keys, "_lock", turnstile)
        self.thread = threading.Thread(target=self._ask, args=(keys,))
        self._said: list[str] = []

        def fetch() -> Mapping[str, Any]:
            if self.thread.ident is None:
                self.thread.start()
                for _ in range(2):
                    assert turnstile.came.acquire(timeout=10)
                then()
                self.answered_before_the_fetch_ended = bool(self._said)
            return idp()

        monkeypatch.setattr(keys, "_fetch", fetch)

    def _ask(self, keys: Keys) -> None:
        try:
            keys.find("old")
            self._said.append("found")
        except (Unauthenticated, Unavailable) as refusal:
            self._said.append(refusal.reason)

    def answer(self) -> str:
        """What became of it."""
        self.thread.join(timeout=10)
        return self._said[0]


class TestRotation:
    def test_a_new_key_is_picked_up_once_the_cool_down_is_over(self, keys: Keys, idp: Idp, clock: Clock) -> None:
        keys.find("old")
        idp.publish(OLD, NEW)
        clock.now += COOLDOWN - A_MOMENT
        unknown(keys, "new")
        assert idp.fetches == 1
        clock.now += A_MOMENT
        assert keys.find("new").key_id == "new"
        assert idp.fetches == 2

    def test_a_withdrawn_key_is_gone_after_the_lifetime(self, keys: Keys, idp: Idp, clock: Clock) -> None:
        keys.find("old")
        idp.publish(NEW)
        clock.now += LIFETIME
        keys.find("old")
        clock.now += A_MOMENT
        unknown(keys, "old")

    def test_a_withdrawn_key_is_gone_as_soon_as_another_fetch_shows_it(
        self, keys: Keys, idp: Idp, clock: Clock
    ) -> None:
        keys.find("old")
        idp.publish(NEW)
        clock.now += COOLDOWN
        keys.find("new")
        clock.now += COOLDOWN
        unknown(keys, "old")

    def test_a_key_replaced_under_its_own_id_counts_from_the_next_fetch(
        self, keys: Keys, idp: Idp, clock: Clock
    ) -> None:
        successor, token = Issuer(kid="old"), OLD.token()
        verify(token, keys, ISSUER, "orders")
        idp.publish(successor)
        clock.now += LIFETIME + A_MOMENT
        assert verify(successor.token(), keys, ISSUER, "orders").sub == "alice"
        with pytest.raises(Unauthenticated, match="does not verify"):
            verify(token, keys, ISSUER, "orders")

    def test_a_token_that_was_good_ends_with_its_key(self, keys: Keys, idp: Idp, clock: Clock) -> None:
        token = OLD.token()
        verify(token, keys, ISSUER, "orders")
        idp.publish(NEW)
        clock.now += LIFETIME + A_MOMENT
        with pytest.raises(Unauthenticated, match="kid"):
            verify(token, keys, ISSUER, "orders")

    def test_a_token_that_was_good_is_not_when_nobody_knows_the_keys_any_more(
        self, keys: Keys, idp: Idp, clock: Clock
    ) -> None:
        token = OLD.token()
        verify(token, keys, ISSUER, "orders")
        idp.down = True
        clock.now += STALE + A_MOMENT
        with pytest.raises(Unavailable):
            verify(token, keys, ISSUER, "orders")

    def test_an_empty_set_withdraws_every_key(self, keys: Keys, idp: Idp, clock: Clock) -> None:
        keys.find("old")
        idp.publish()
        clock.now += LIFETIME + A_MOMENT
        unknown(keys, "old")


class TestOutage:
    def test_without_any_keys_nobody_can_be_told_from_anybody(self, keys: Keys, idp: Idp) -> None:
        idp.down = True
        with pytest.raises(Unavailable):
            keys.find("old")

    def test_a_service_that_never_had_keys_asks_again_at_once(self, keys: Keys, idp: Idp) -> None:
        idp.down = True
        for _ in range(2):
            with pytest.raises(Unavailable, match="does not answer"):
                keys.find("old")
        idp.down = False
        keys.find("old")
        assert idp.fetches == 3

    def test_whoever_waited_while_another_asked_in_vain_does_not_ask_once_more(self) -> None:
        """Or eight of them would wait one after the other, each as long as a question may take."""
        fetches, may_fail = [], threading.Event()

        def fetch() -> Mapping[str, Any]:
            fetches.append(1)
            assert may_fail.wait(10)
            raise Unavailable("the IdP does not answer")

        keys = Keys(fetch)
        keys._lock = turnstile = Turnstile()  # type: ignore[assignment]  # all that is used of one
        with ThreadPoolExecutor(3) as pool:
            waiting = [pool.submit(keys.find, "old") for _ in range(3)]
            assert all(turnstile.came.acquire(timeout=10) for _ in waiting)
            may_fail.set()
            for each in waiting:
                with pytest.raises(Unavailable):
                    each.result(10)
        assert len(fetches) == 1

    def test_the_last_good_set_outlives_its_lifetime_while_the_idp_is_down(
        self, keys: Keys, idp: Idp, clock: Clock
    ) -> None:
        keys.find("old")
        idp.down = True
        for age in (LIFETIME + A_MOMENT, STALE / 2, STALE):
            clock.now = 1000.0 + age
            assert keys.find("old").key_id == "old"

    def test_a_set_too_old_is_not_trusted_any_more(self, keys: Keys, idp: Idp, clock: Clock) -> None:
        keys.find("old")
        idp.down = True
        clock.now += STALE + A_MOMENT
        for _ in range(3):
            with pytest.raises(Unavailable, match="too old"):
                keys.find("old")

    def test_an_idp_that_is_down_is_left_alone_for_the_cool_down(self, keys: Keys, idp: Idp, clock: Clock) -> None:
        keys.find("old")
        idp.down = True
        clock.now += LIFETIME + A_MOMENT
        for _ in range(50):
            keys.find("old")
        assert idp.fetches == 2
        clock.now += COOLDOWN
        keys.find("old")
        assert idp.fetches == 3

    def test_an_outage_does_not_make_the_old_set_younger(self, keys: Keys, idp: Idp, clock: Clock) -> None:
        keys.find("old")
        idp.down = True
        while clock.now < 1000.0 + STALE:
            clock.now += LIFETIME
            keys.find("old")
        clock.now += A_MOMENT
        with pytest.raises(Unavailable, match="too old"):
            keys.find("old")

    def test_the_keys_are_good_again_when_the_idp_is_back(self, keys: Keys, idp: Idp, clock: Clock) -> None:
        keys.find("old")
        idp.down = True
        clock.now += STALE + A_MOMENT
        with pytest.raises(Unavailable):
            keys.find("old")
        idp.down = False
        clock.now += COOLDOWN
        keys.find("old")
        fetches = idp.fetches
        keys.find("old")
        assert idp.fetches == fetches

    @pytest.mark.parametrize("document", [{}, {"keys": None}, {"keys": {}}, {"keys": "old"}], ids=str)
    def test_a_broken_set_does_not_replace_a_good_one(
        self, keys: Keys, idp: Idp, clock: Clock, document: Mapping[str, Any]
    ) -> None:
        keys.find("old")
        idp.document = document
        clock.now += LIFETIME + A_MOMENT
        keys.find("old")
        clock.now = 1000.0 + STALE + A_MOMENT
        with pytest.raises(Unavailable):
            keys.find("old")


GOOD = OLD.jwks()["keys"][0]
RSA = Issuer("RS256", "rsa").jwks()["keys"][0]


def without(member: str, key: Mapping[str, Any] = GOOD) -> dict[str, Any]:
    """A key that lacks a member."""
    return {name: value for name, value in key.items() if name != member}


class TestUsableKeys:
    def test_keys_for_signatures_are_kept_under_their_names(self) -> None:
        found = usable({"keys": [GOOD, RSA]})
        assert {name: key.algorithm_name for name, key in found.items()} == {"old": "ES256", "rsa": "RS256"}

    def test_a_key_that_does_not_tell_its_use_may_verify(self) -> None:
        assert set(usable({"keys": [without("use")]})) == {"old"}

    @pytest.mark.parametrize(
        "key",
        [
            *(without("kid"), GOOD | {"kid": None}, GOOD | {"kid": 1}, GOOD | {"kid": ["old"]}, GOOD | {"kid": True}),
            *(without("alg"), GOOD | {"alg": None}, GOOD | {"alg": 1}, GOOD | {"alg": ""}, GOOD | {"alg": "none"}),
            *(GOOD | {"alg": "HS256"}, GOOD | {"alg": "ES384"}, GOOD | {"alg": "es256"}, GOOD | {"alg": "ECDH-ES"}),
            *(RSA | {"alg": "PS256"}, RSA | {"alg": "RS512"}, RSA | {"alg": "RSA-OAEP"}, RSA | {"alg": "HS256"}),
            *(GOOD | {"use": "enc"}, GOOD | {"use": ""}, GOOD | {"use": None}),
            *(GOOD | {"use": ["sig"]}, GOOD | {"use": "SIG"}),
            *({"kty": "oct", "k": "AAAA", "alg": "HS256", "kid": "hmac", "use": "sig"}, {}),
            *(None, "old", 1, True, [], ["old"], [GOOD]),
        ],
        ids=shown,
    )
    def test_a_key_that_may_not_verify_is_passed_over(self, key: Any) -> None:
        found = usable({"keys": [RSA, key]})
        assert {name: kept.algorithm_name for name, kept in found.items()} == {"rsa": "RS256"}

    @pytest.mark.parametrize("alg", [[], ["ES256"], {}, {"ES256": 1}], ids=str)
    def test_an_algorithm_that_is_no_name_is_passed_over(self, alg: Any) -> None:
        assert set(usable({"keys": [GOOD | {"alg": alg}, RSA]})) == {"rsa"}

    @pytest.mark.parametrize(
        "document",
        [{}, {"keys": None}, {"keys": {}}, {"keys": "x"}, {"keys": 1}, {"keys": {"0": GOOD}}, GOOD],
        ids=shown,
    )
    def test_what_is_not_a_key_set_is_no_answer(self, document: Mapping[str, Any]) -> None:
        with pytest.raises(Unavailable, match="not a key set"):
            usable(document)

    @pytest.mark.parametrize(
        "key",
        [
            *(without("kty"), without("crv"), without("x"), without("y")),
            *(GOOD | {"kty": "RSA"}, GOOD | {"kty": ["EC"]}),
            *(GOOD | {"crv": "P-384"}, GOOD | {"crv": "P-257"}, GOOD | {"crv": []}),
            *(GOOD | {"x": 1}, GOOD | {"x": None}),
            *(GOOD | {"x": "!"}, GOOD | {"x": "é"}, GOOD | {"x": ""}, GOOD | {"x": "AAAA"}, GOOD | {"x": GOOD["y"]}),
            *(GOOD | {"x": "A" * 43, "y": "A" * 43}, GOOD | {"alg": "RS256"}),
            *(RSA | {"alg": "ES256"}, without("n", RSA)),
            *(without("e", RSA), RSA | {"n": ""}, RSA | {"n": "AQ"}, RSA | {"e": "Ag"}),
            *(RSA | {"e": 65537}, RSA | {"n": []}),
            {"kty": "oct", "k": "AAAA", "alg": "ES256", "kid": "hmac", "use": "sig"},
        ],
        ids=range(27),
    )
    def test_a_key_that_cannot_be_read_is_no_answer(self, key: dict[str, Any]) -> None:
        with pytest.raises(Unavailable, match="cannot be read"):
            usable({"keys": [RSA, key]})

    def test_what_a_broken_key_holds_is_not_told(self) -> None:
        leaked = {"kid": "old", "alg": "ES256", "k": "hunter2-hunter2"}
        with pytest.raises(Unavailable) as caught:
            usable({"keys": [leaked]})
        assert "hunter2" not in str(caught.value)

    @pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
    def test_a_key_published_with_its_private_half_is_not_used(self, algorithm: str) -> None:
        issuer = Issuer(algorithm, "private")
        private = json.loads(pyjwt.get_algorithm_by_name(algorithm).to_jwk(issuer.key))
        assert "d" in private
        document = {"keys": [private | {"kid": "private", "alg": algorithm, "use": "sig"}, GOOD]}
        with pytest.raises((Unauthenticated, Unavailable)):  # whoever reads the set could sign with it
            verify(issuer.token(), Keys(lambda: document), ISSUER, "orders")
