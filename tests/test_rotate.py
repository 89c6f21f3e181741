"""Rotating each kind of credential in a shop that is at work: nobody notices, and the old one is refused."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fnmatch import filter as fnmatches
from pathlib import Path

import pytest
from rich.console import Console

from compose.refusals import CannotRun
from compose.shop import Shop, open_shop
from compose.topology import PATTERNS
from scenarios import rotate, rotations
from scenarios.levers import Surprise
from scenarios.rotations.rotation import Rotation, Step
from scenarios.stand_in import Overheard
from scenarios.turning import Taken, Turned, turn
from scenarios.world import World

CALLERS = ("billing/secrets/callers.json", "inventory/secrets/callers.json")
LISTS = tuple(f"{name}/tls/crl.pem" for name in ("billing", "gateway", "idp", "inventory", "orders"))
EXPECTED: dict[str, dict[tuple[str, str], tuple[tuple[str, ...], ...]]] = {
    "subsystem": {("service-password", "orders"): (CALLERS, ("orders/secrets/password",), CALLERS)},
    "oauth2": {
        ("client-secret", "gateway"): (
            ("idp/secrets/clients.json",),
            ("gateway/secrets/client_secret",),
            ("idp/secrets/clients.json",),
        )
    },
    "mtls": {
        ("root", "ca"): (
            ("*/tls/bundle.pem", "*/tls/crl.pem", "ca.pem", "ca/*"),
            ("*/tls/key.pem", "*/tls/leaf.pem", "ca/index.json"),
            ("*/tls/bundle.pem", "*/tls/crl.pem", "ca.pem", "ca/*"),
        ),
    },
    "zerotrust": {
        ("certificate", "orders"): (
            ("ca/index.json", "orders/tls/key.pem", "orders/tls/leaf.pem"),
            ("ca/crl.pem", "ca/index.json", *LISTS),
        ),
        ("signing-key", "idp"): (
            ("idp/data/ahead-ES256-*.pem",),
            ("idp/data/ahead-ES256-*.pem", "idp/data/retired-ES256-*.pem", "idp/data/signing-ES256.pem"),
            ("idp/data/retired-ES256-*.pem",),
        ),
    },
}
"""The files that each step touches, where somebody has to see that all of them are found."""


@pytest.fixture
def world(shop: Shop) -> Iterator[World]:
    """A shop whose credentials are to be rotated, and the places in it."""
    if shop.pattern not in EXPECTED:
        pytest.skip("every kind of credential is rotated under another pattern")
    with World(shop) as there:
        yield there
        Overheard.forget(there)


def test_nobody_notices_and_the_old_one_is_refused(world: World) -> None:
    for (what, name), files in EXPECTED[world.pattern].items():
        turned = turn(world, rotations.named(world, what, name))
        assert (turned.failed, turned.restarted, turned.old_refused) == (0, (), True), turned
        assert turned.sent > 20
        for step, patterns in zip(turned.steps, files, strict=True):
            assert [each for each in patterns if not fnmatches(step.files, each)] == [], step
            assert set().union(*(fnmatches(step.files, each) for each in patterns)) == set(step.files), step
            assert step.effects.keys() == turned_by(turned.rotation, step).counts.keys()


def turned_by(rotation: Rotation, taken: Taken) -> Step:
    """The step that was taken."""
    steps = [*rotation.steps, *filter(None, [rotation.last])]
    return next(step for step in steps if step.does == taken.does)


@pytest.mark.parametrize("steps", [1, 2])
def test_a_root_whose_rotation_was_interrupted_is_rotated_by_the_same_again(world: World, steps: int) -> None:
    if world.pattern != "mtls":
        pytest.skip("the CA is the same under every pattern")
    taken: list[Taken] = []

    def interrupt(step: Taken) -> None:
        taken.append(step)
        if len(taken) == steps:
            raise KeyboardInterrupt

    bundle = world.shop.tls_dir("orders") / "bundle.pem"
    before = bundle.read_text()
    with pytest.raises(KeyboardInterrupt):
        turn(world, rotations.named(world, "root", ""), took=interrupt)
    assert before in bundle.read_text()
    turned = turn(world, rotations.named(world, "root", ""))
    assert (turned.failed, turned.restarted, turned.old_refused) == (0, (), True), turned
    bundles = {(world.shop.tls_dir(name) / "bundle.pem").read_text() for name in world.shop.variant.leaves}
    assert len(bundles) == 1
    assert before not in bundles
    assert bundles.pop().count("BEGIN") == 1


class TestWhatIsAskedFor:
    def asked(self, tmp_path: Path, pattern: str, what: str, name: str = "") -> CannotRun:
        with pytest.raises(CannotRun) as refusal:
            rotations.named(World(open_shop(pattern, "local", "free", tmp_path)), what, name)
        return refusal.value

    @pytest.mark.parametrize("what", ["", "passport", "signing_key", "roots"])
    def test_something_that_there_is_not_is_answered_with_the_list(self, tmp_path: Path, what: str) -> None:
        assert self.asked(tmp_path, "jwt", what).mend == f"WHAT is one of {', '.join(rotations.KINDS)}"

    def test_what_the_pattern_has_not_is_said_in_a_sentence(self, tmp_path: Path) -> None:
        refusal = self.asked(tmp_path, "mtls", "service-password")
        assert refusal.what == "under mtls there is no service password"
        assert refusal.mend == "here WHAT is one of certificate, root"

    def test_whoever_has_none_is_answered_with_those_who_have(self, tmp_path: Path) -> None:
        refusal = self.asked(tmp_path, "jwt", "client-secret", "orders")
        assert (refusal.what, refusal.mend) == ("orders has no client secret here", "NAME is one of gateway")

    def test_every_kind_is_there_under_some_pattern_and_certificates_under_all(self, tmp_path: Path) -> None:
        variants = [open_shop(pattern, "local", "free", tmp_path).variant for pattern in PATTERNS]
        assert all(any(kind.names(variant) for variant in variants) for kind in rotations.KINDS.values())
        assert all(rotations.KINDS["certificate"].names(variant) for variant in variants)


class TestWhatIsTold:
    ROTATION = Rotation("client secret of gateway", (), lambda: True, note="mind this")

    def told(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, turned: Turned | Exception) -> tuple[bool, str]:
        def turn(*_: object, **__: object) -> Turned:
            if isinstance(turned, Exception):
                raise turned
            return turned

        monkeypatch.setattr(rotate, "turn", turn)
        monkeypatch.setattr(rotations, "named", lambda *_: self.ROTATION)
        out = Console(width=140, record=True, file=io.StringIO())
        world = World(open_shop("jwt", "local", "free", tmp_path))
        world.shop.dir.mkdir(exist_ok=True)
        well = rotate.rotate(world, "client-secret", "", out, patient=True)
        return well, out.export_text()

    def turned(self, failed: int = 0, refused: bool = True, restarted: tuple[str, ...] = ()) -> Turned:
        step = Taken("gateway shows the new secret", ("gateway/secrets/client_secret",), 0.0, 0.01, {"idp": 0.17})
        return Turned(self.ROTATION, (step,), restarted, 100, ("POST 502, trace 1a2b",) * failed, 5.0, 1.0, refused)

    def test_what_was_touched_where_and_when_it_counted(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        well, text = self.told(monkeypatch, tmp_path, self.turned())
        assert well
        for word in ("gateway/secrets/client_secret", "idp 0.17 s", "0 failed of 100 in 5 s", "refused", "mind this"):
            assert word in text

    def test_it_did_not_go_well_if_a_request_failed_or_the_old_one_is_accepted_or_somebody_was_restarted(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        for turned, word in (
            (self.turned(failed=1), "1 failed"),
            (self.turned(failed=1), "POST 502, trace 1a2b"),
            (self.turned(refused=False), "still accepted"),
            (self.turned(restarted=("gateway",)), "restarted   gateway"),
        ):
            well, text = self.told(monkeypatch, tmp_path, turned)
            assert not well
            assert word in text

    def test_a_second_rotation_in_the_same_shop_is_refused_and_one_after_the_first_is_not(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        here = World(open_shop("jwt", "local", "free", tmp_path))

        def rotated() -> bool:
            return rotate.rotate(here, "client-secret", "", Console(file=io.StringIO()), patient=True)

        def turn(*_: object, **__: object) -> Turned:
            with pytest.raises(CannotRun, match="is being rotated already"):
                rotated()
            raise Surprise("the first has got as far as this")

        monkeypatch.setattr(rotate, "turn", turn)
        monkeypatch.setattr(rotations, "named", lambda *_: self.ROTATION)
        for _ in range(2):
            with pytest.raises(CannotRun, match="as far as this"):
                rotated()

    def test_what_stands_in_the_way_is_said_in_two_lines(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        with pytest.raises(CannotRun, match="not within"):
            self.told(monkeypatch, tmp_path, Surprise("not within 60 s at idp"))
