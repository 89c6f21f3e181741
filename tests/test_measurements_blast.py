"""What an attacker gets done from where, where secrets stay behind, and what works without the IdP or the CA."""

from __future__ import annotations

import base64
import random
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flask
import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from compose.shop import Shop
from compose.topology import INSIDE, PROCESSES, TOKEN_PATTERNS
from scenarios import canary, search
from scenarios.evidence import Hop
from scenarios.levers import eventually
from scenarios.measurements import blast_radius, exposure, outage
from scenarios.registry import gauge
from scenarios.search import BOUND, TOKEN, CannotLook
from scenarios.verdict import Answer, Verdict
from scenarios.world import World
from services import billing, inventory, orders
from services.app import Reference, Sku

SECRETS = {"password": (b"open-sesame-1", base64.b64encode(b"ali:open-sesame-1")), "token": (b"t" * 43,)}
WORKS = [outage.told("idp", what, Answer(Verdict.SERVED, 201)) for what in (outage.ORDER, outage.READ)]
FAILS = [outage.told("idp", outage.ORDER, Answer(Verdict.UNAVAILABLE, 503))]
SERVICES = {"orders": orders.views, "inventory": inventory.views, "billing": billing.views}
WHERE = ("memory", "environment", "log", "disk", "hop")


@pytest.fixture(scope="session")
def world(shop: Shop) -> Iterator[World]:
    """The shop, and the places in it where somebody may stand."""
    with World(shop) as there:
        yield there


def all_is_well(world: World) -> bool:
    """True, once every process says so: on a busy machine one may not say anything in time, and is asked again."""
    return eventually(lambda: {status.health for status in world.shop.status()} == {"healthy"}, "the shop is well")


@pytest.mark.parametrize("name", ["blast_radius", "exposure", "outage"])
def test_each_says_what_it_measures_and_what_it_rests_on(name: str) -> None:
    found = gauge(name)
    assert found.title
    assert found.references
    assert len(found.method) > 200


class TestBlastRadius:
    @pytest.mark.parametrize("service", SERVICES)
    def test_it_tries_everything_that_a_service_does(self, service: str) -> None:
        app = flask.Flask(__name__, static_folder=None)
        app.url_map.converters |= {"sku": Sku, "reference": Reference}
        app.register_blueprint(SERVICES[service])
        offered = {
            (method, re.sub("<sku:.*>", "SKU", re.sub("<reference:[^>]*>", "ID", rule.rule)))
            for rule in app.url_map.iter_rules()
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        }
        tried = {(each.method, each.route) for each in blast_radius.OPERATIONS if each.service == service}
        assert tried == offered

    def test_the_share_is_of_one_position_and_one_holding(self) -> None:
        rows = [
            {"position": position, "holding": holding, "completed": completed}
            for position, holding, completed in [
                ("orders", "at rest", False),
                ("orders", "at rest", True),
                ("orders", "as people pass by", True),
                ("billing", "at rest", True),
            ]
        ]
        assert blast_radius.share(rows, "orders", "at rest").value == 0.5
        assert blast_radius.share(rows, "orders", "as people pass by").value == 1.0

    def test_a_door_is_open_when_somebody_with_nothing_gets_anything_done(self) -> None:
        rows = [
            {"position": "inside", "service": "orders", "completed": True},
            {"position": "inside", "service": "inventory", "completed": False},
            {"position": "gateway", "service": "billing", "completed": True},
        ]
        found = blast_radius.open_doors(rows)
        assert (found.value, found.note) == (1, "orders")

    def test_it_measures(self, world: World) -> None:
        measured = blast_radius.measure(world)
        share = {name: figure.value for name, figure in measured.figures.items()}
        assert share["outside"] == 0
        assert share["inside"] == (1 if world.pattern == "perimeter" else 0)
        assert share["services answering an unauthenticated request"] == (3 if world.pattern == "perimeter" else 0)
        assert share["gateway as people pass by"]  # the control: everywhere something can be done from somewhere
        for position in blast_radius.BREACHED:
            assert 0 <= (share[position] or 0) <= (share[f"{position} as people pass by"] or 0) <= 1
        assert len(measured.rows) == len(blast_radius.OPERATIONS) * (len(blast_radius.POSITIONS) + 1 + len(INSIDE))
        assert all(row["completed"] == (row["verdict"] == "SERVED") for row in measured.rows)
        assert all_is_well(world)


def signed(**claims: Any) -> bytes:
    """An access token by somebody."""
    key = ec.generate_private_key(ec.SECP256R1())
    return pyjwt.encode(claims, key, "ES256", headers={"typ": "at+jwt"}).encode()


WITH_PROC = pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="there is no /proc to look into")


HOLD = """
import random, sys
held = random.Random(int(sys.argv[1])).randbytes(int(sys.argv[2]))
print("ready", flush=True)
sys.stdin.read()
"""


class TestCanary:
    def test_a_secret_is_found_in_any_of_its_spellings(self) -> None:
        for octets in (b"x=open-sesame-1&", b"Basic " + base64.b64encode(b"ali:open-sesame-1")):
            assert canary.in_octets(octets, SECRETS) == {"password"}
        assert canary.in_octets(b"open-sesame-2", SECRETS) == set()

    def test_files_are_found_at_any_depth_and_only_those_that_hold_something(self, tmp_path: Path) -> None:
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "left.db").write_bytes(b"\0\0open-sesame-1\0" + b"t" * 43)
        (tmp_path / "innocent").write_text("nothing")
        (tmp_path / "elsewhere").symlink_to(tmp_path / "data" / "left.db")
        found = canary.in_files(tmp_path, SECRETS)
        assert found == {str(tmp_path / "data" / "left.db"): {"password", "token"}}

    def test_access_tokens_are_told_from_bound_ones_and_from_those_about_others(self) -> None:
        bearer, bound = signed(sub="ali"), signed(sub="ali", cnf={"x5t#S256": "x"})
        others = signed(sub="bob")
        cut_off = bearer[:-1]
        octets = b"\0".join([b"eyJ.eyJ", bearer, others, b"Bearer " + bound, cut_off])
        assert sorted(canary.access_tokens(octets, "ali")) == [False, True]

    def test_what_merely_looks_like_a_token_is_none(self) -> None:
        assert list(canary.access_tokens(b"eyJ" + b"A" * 20 + b".eyJ" + b"A" * 21 + b"." + b"A" * 86, "ali")) == []

    @WITH_PROC
    def test_the_memory_of_a_process_holds_what_the_process_holds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """All of it, wherever one piece ends and the next begins: it is longer than a piece."""
        monkeypatch.setattr(canary, "PIECE", 2 * canary.OVERLAP)
        seed = secrets.randbits(64)
        wide = random.Random(seed).randbytes(3 * canary.OVERLAP)
        wanted = {str(at): (wide[at : at + 1000],) for at in range(0, len(wide) - 1000, 500)}
        with subprocess.Popen(
            [sys.executable, "-c", HOLD, str(seed), str(len(wide))], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as holder:
            assert holder.stdout
            assert holder.stdout.readline() == b"ready\n"
            found = {name for piece in canary.memory(holder.pid) for name in canary.in_octets(piece, wanted)}
            holder.communicate(timeout=10)
        assert found == set(wanted)

    def test_there_is_no_memory_of_nobody(self) -> None:
        with pytest.raises(OSError, match="No such file"):
            list(canary.memory(2**22 + 1))


def hop(caller: str, service: str, request: str, *presented: str, checked: str = "") -> Hop:
    said = {"user": "", "vouched_by": "", "authorized_by": "", "answer": "200", "idp_calls": 0, "milliseconds": 1.0}
    told = {"caller": caller, "service": service, "request": request, "presented": presented, "checked": checked}
    return Hop.model_validate(told | said)


class TestExposure:
    def test_a_password_goes_along_only_when_it_is_the_persons_own(self) -> None:
        hops = [
            hop("you", "gateway", "POST /api/orders", "Basic guest:***"),
            hop("gateway", "orders", "POST /orders", "Basic gateway:***", "X-User: guest"),
        ]
        assert exposure.carried("guest", hops) == [("you → gateway", {"password"}), ("gateway → orders", set())]

    def test_a_question_about_a_token_carries_the_token(self) -> None:
        hops = [
            hop("you", "gateway", "POST /api/orders", "Bearer sha256:1"),
            hop("gateway", "idp", "POST /introspect", "Basic gateway:***"),
            hop("gateway", "idp", "GET /jwks", "nothing"),
        ]
        assert [carried for _, carried in exposure.carried("guest", hops)] == [{TOKEN}, {TOKEN}, set()]

    def test_a_token_that_was_held_against_a_certificate_is_bound(self) -> None:
        hops = [
            hop("gateway", "orders", "POST /orders", "certificate of x", "Bearer sha256:2", checked="certificate; cnf"),
            hop("orders", "idp", "POST /token", "certificate of x"),
        ]
        assert [carried for _, carried in exposure.carried("guest", hops)] == [{BOUND}, {BOUND}]
        assert exposure.hop_figures(exposure.carried("guest", hops))["hops that carry a reusable secret"].value == 0

    def test_the_looks_are_trials_and_what_cannot_be_seen_is_no_zero(self) -> None:
        nobody: dict[str, set[str]] = {name: set() for name in PROCESSES}
        looks = [nobody | {"orders": {TOKEN}, "idp": {TOKEN}}, nobody | {"orders": {BOUND}}, nobody | {"idp": {TOKEN}}]
        figures = exposure.place_figures(
            exposure.Seen(looks), exposure.Seen([], "not allowed"), exposure.Seen([nobody]), {}
        )
        memory = figures["processes whose memory holds a reusable secret"]
        assert (memory.value, memory.trials, memory.note) == (1, (2, 0, 1), "idp, orders")
        assert figures["processes whose memory holds a bound token"].trials == (0, 1, 0)
        assert (figures["environments"].value, figures["environments"].note) == (None, "not allowed")
        assert figures["logs"].value == figures["files"].value == 0

    def test_a_user_who_may_not_look_is_told_so(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        def forbidden(pid: int) -> Iterator[bytes]:
            raise PermissionError(pid)

        monkeypatch.setattr(canary, "memory", forbidden)
        with pytest.raises(CannotLook, match="cannot look into ca from here: PermissionError"):
            search.memory(world, SECRETS, "ali")

    def test_it_measures(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(exposure, "LOOKS", 2)  # each goes through a gigabyte of memory
        measured = exposure.measure(world)
        count = {name: figure.value for name, figure in measured.figures.items()}
        assert count["logs"] == count["files"] == 0
        assert count["environments"] in {0, None}
        everywhere = world.pattern == "basic"
        assert count["processes that can read the user store"] == len(world.shop.variant.readers) + 1
        assert count["hops that carry the password"] == (4 if everywhere else world.shop.variant.users_edge)
        in_memory = measured.figures["processes whose memory holds a reusable secret"]
        assert world.shop.runtime == "compose" or "gateway" in in_memory.note  # the control: there it has to be
        if in_memory.value is not None and not everywhere:
            password = measured.figures["processes whose memory holds the password"].note
            assert not set(INSIDE) & set(password.split(", "))
        assert {row["where"] for row in measured.rows} <= set(WHERE)
        assert all(set(row) == {"process", "where", "secret", "found"} for row in measured.rows)
        assert all_is_well(world)


class TestOutage:
    def test_it_ends_with_what_ends_first(self) -> None:
        found = outage.until(WORKS, {"the keys": 3300.0, "the token": 310.0})
        assert (found.value, found.note) == (310, "the token: 310 s, the keys: 3300 s")

    def test_without_anything_that_runs_out_it_does_not_end(self) -> None:
        assert outage.until(WORKS, {}).value is None

    def test_what_never_works_has_ended_already(self) -> None:
        assert outage.until(FAILS, {"the token": 310.0}).value == 0

    def test_the_share_is_of_what_was_tried(self) -> None:
        assert outage.share(WORKS + FAILS).value == pytest.approx(2 / 3)

    def test_it_measures(self, world: World) -> None:
        measured = outage.measure(world)
        figures = {name: figure.value for name, figure in measured.figures.items()}
        assert figures["works with the CA down"] == 1
        assert 0 < (figures["seconds until it ends with the CA down"] or 0) <= 24 * 3600
        assert figures["works with the IdP down"] == {"oauth2": 0, "jwt": 0.5, "zerotrust": 0}.get(world.pattern, 1)
        ends = figures["seconds until it ends with the IdP down"]
        assert (ends is None) is (world.pattern not in TOKEN_PATTERNS)
        assert (ends == 0) is (world.pattern in {"oauth2", "zerotrust"})
        assert {(row["dark"], row["what"]) for row in measured.rows} == {
            (dark, what) for dark in outage.NAMES for what in (outage.LOG_IN, outage.ORDER, outage.READ, outage.COLD)
        }
        assert all_is_well(world)
