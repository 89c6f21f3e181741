"""What cannot be removed is not said to be gone: the refusal names whose it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from compose import choice, processes, remember
from compose.local import LocalShop
from compose.refusals import CannotRun
from compose.topology import Ports

ME = psutil.Process().username()


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalShop:
    """What is left of a shop whose directory is not ours to remove."""
    shop = LocalShop("jwt", Ports.based(9400), tmp_path)
    remember.private(shop.dir)
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    return shop


def test_a_directory_that_stays_is_not_said_to_be_gone(kept: LocalShop) -> None:
    with pytest.raises(CannotRun) as refused:
        kept.down()
    assert refused.value.what == f"{kept.dir} could not be removed: it belongs to {ME}"
    assert refused.value.mend == f"as {ME}: chmod -R u+rwX {kept.dir}; then, as {ME} too, the same again"


def test_what_cannot_be_cleaned_up_is_not_said_to_be(kept: LocalShop) -> None:
    said: list[str] = []
    with pytest.raises(CannotRun, match="could not be removed"):
        LocalShop("jwt", kept.ports, kept.run_root, said.append).up()
    assert said == []


@pytest.fixture
def somebodys(tmp_path: Path) -> Iterator[LocalShop]:
    """A shop of which one process runs."""
    shop = LocalShop("jwt", Ports.based(9400), tmp_path)
    marks = {processes.SHOP_MARK: str(shop.dir), processes.ROLE_MARK: "orders"}
    waits = [sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(waits, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=marks) as process:
        assert process.stdout is not None
        process.stdout.readline()
        remember.private(shop.dir)
        yield shop
        process.communicate(b"\n", timeout=10)


def test_a_shop_that_another_user_runs_stays_whole(somebodys: LocalShop, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as somebody_else:
        somebody_else.setattr(os, "getuid", lambda: 4242)
        with pytest.raises(CannotRun) as refused:
            somebodys.down()
    assert refused.value.what == f"{somebodys.name} is run by {ME}"
    assert refused.value.mend == f"as {ME}: make down {somebodys.meant}"
    assert somebodys.dir.exists()
    assert [role for _, shop_dir, role in processes.marked() if shop_dir == somebodys.dir] == ["orders"]


def test_where_others_keep_their_shops_nothing_is_said_to_be_up_or_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda _, asked: asked == os.F_OK)
    assert choice.run_root({"RUN_ROOT": str(tmp_path / "not-there-yet")})
    with pytest.raises(CannotRun, match=f"{tmp_path} is not open to us: it belongs to {ME}"):
        choice.run_root({"RUN_ROOT": str(tmp_path)})


def test_a_lock_that_another_user_made_is_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_ours(path: Path, *_: int) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", not_ours)
    locks = tmp_path / ".locks"
    with (
        pytest.raises(CannotRun, match=f"{locks / 'trust'} is not open to us: it belongs to {ME}"),
        remember.locked(tmp_path, "trust"),
    ):
        pass
