"""A fork of what is preloaded is, to itself and to all others, what it would have been alone."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from compose import preload, processes
from compose.processes import marked
from scenarios.levers import eventually, suspend

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows a process's own memory to it")

COMMAND = [sys.executable, "-m", "tests.itself", "one", "two words", "dréi"]


@pytest.fixture
def shop_dir(tmp_path: Path) -> Iterator[Path]:
    """The directory of a shop of which every process is ended in the end."""
    yield tmp_path
    processes.end_marked(tmp_path)


@pytest.fixture
def preloaded() -> int:
    """What imports, which a test before may have begun: its process id."""
    preload.begin(processes.bare_environ(Path(), Path(), ""))
    pid = preload.pid()
    assert pid
    return pid


def started(shop_dir: Path, role: str, argv: list[str] = COMMAND, **more: str) -> tuple[psutil.Process, dict[str, Any]]:
    """A process in its role, and what it says of itself."""
    log = shop_dir / f"{role}.log"
    environ = {**processes.bare_environ(shop_dir, shop_dir, role), "GREETING": "grüß dich", **more}
    processes.start(argv, environ, shop_dir, log)
    [process] = [process for process, where, what in marked() if (where, what) == (shop_dir, role)]
    eventually(lambda: has_said(log), f"{role} has said what it is")
    return process, json.loads(log.read_text().splitlines()[-1])


def has_said(log: Path) -> bool:
    """Whether a process has said all that it is."""
    return log.exists() and log.read_text().endswith("}\n")


def test_a_process_has_of_it_what_it_has_of_us(shop_dir: Path, preloaded: int) -> None:
    fork, of_fork = started(shop_dir, "by-a-fork")
    assert fork.ppid() == preloaded
    preload.end()
    alone, of_alone = started(shop_dir, "all-alone")
    assert alone.ppid() == os.getpid()
    assert of_fork.pop("chance") != of_alone.pop("chance")
    assert json.loads(json.dumps(of_fork).replace("by-a-fork", "all-alone")) == of_alone


def test_whoever_looks_sees_the_command_and_the_environment_that_it_was_given(shop_dir: Path, preloaded: int) -> None:
    process, said = started(shop_dir, "here")
    assert process.ppid() == preloaded
    assert [word for word in process.cmdline() if word] == COMMAND
    assert process.environ() == said["environment"]
    assert said["environment"]["GREETING"] == "grüß dich"
    assert process.environ().keys() == {*processes.bare_environ(shop_dir, shop_dir, ""), "GREETING"}


def test_no_two_draw_the_same_lots(shop_dir: Path, preloaded: int) -> None:
    (one, of_one), (other, of_other) = started(shop_dir, "one"), started(shop_dir, "other")
    assert one.ppid() == other.ppid() == preloaded
    assert not {*of_one["chance"]} & {*of_other["chance"]}


def test_what_was_said_before_stays_in_the_log(shop_dir: Path, preloaded: int) -> None:
    (shop_dir / "here.log").write_text("long ago\n")
    process, _ = started(shop_dir, "here")
    assert process.ppid() == preloaded
    assert (shop_dir / "here.log").read_text().startswith("long ago\n{")


def test_what_was_killed_leaves_no_zombie(shop_dir: Path, preloaded: int) -> None:
    process, _ = started(shop_dir, "here")
    assert process.ppid() == preloaded
    os.kill(process.pid, signal.SIGKILL)
    eventually(lambda: not psutil.pid_exists(process.pid), "the kernel has forgotten it")


def test_one_that_has_ended_is_begun_anew(preloaded: int) -> None:
    os.kill(preloaded, signal.SIGKILL)
    eventually(lambda: not is_alive(preloaded), "it has ended")
    preload.begin(processes.bare_environ(Path(), Path(), ""))
    pid = preload.pid()
    assert pid is not None
    assert pid != preloaded
    assert is_alive(pid)


def test_what_cannot_be_done_is_said_by_whoever_tries(shop_dir: Path, preloaded: int) -> None:
    environ = processes.bare_environ(shop_dir, shop_dir, "here")
    with pytest.raises(FileNotFoundError, match="no such directory here"):
        processes.start(COMMAND, environ, shop_dir / "no such directory here", shop_dir / "here.log")
    assert not processes_of(shop_dir)


def test_an_answer_that_nobody_waited_for_is_not_the_next_ones(shop_dir: Path, preloaded: int) -> None:
    started(shop_dir, "before")  # it has loaded
    suspend(psutil.Process(preloaded))
    with interrupted_once(it_is_asked), pytest.raises(KeyboardInterrupt):
        started(shop_dir, "here")
    assert preload.pid() is None
    process, said = started(shop_dir, "after")
    assert said["environment"] == process.environ()
    assert {role for _, where, role in marked() if where == shop_dir} == {"before", "after"}


def it_is_asked() -> bool:
    """Whether something has been asked that the process has not read yet."""
    assert preload._begun
    return any(fcntl.ioctl(preload._begun.line, termios.TIOCOUTQ, bytes(4)))


@contextmanager
def interrupted_once(happened: Callable[[], bool]) -> Iterator[None]:
    """Interrupts whatever this thread does in the block, as Control-C does, as soon as that has happened."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def watch() -> None:
        eventually(happened, "there is something to interrupt")
        signal.pthread_kill(here, signal.SIGALRM)

    here, usual = threading.get_ident(), signal.signal(signal.SIGALRM, interrupt)
    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        watching.join()
        signal.signal(signal.SIGALRM, usual)


def processes_of(shop_dir: Path) -> list[psutil.Process]:
    return [process for process, where, _ in marked() if where == shop_dir]


def is_alive(pid: int) -> bool:
    """Whether it runs; where nobody takes note of its end, it stays as a zombie."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


BEGINS = """
import sys
from pathlib import Path
import psutil
from compose import preload, processes
from scenarios import levers
here = Path(sys.argv[1])
environ = processes.bare_environ(here, here, "here")
preload.begin(environ)
processes.start([sys.executable, "-m", "tests.itself"], environ, here, here / "before.log")
[before] = [process for process, where, _ in processes.marked() if where == here]
processes.kill([before])
exec(sys.argv[2])
print(preload.pid(), flush=True)
processes.start([sys.executable, "-m", "tests.itself"], environ, here, here / "here.log")
sys.stdin.read()
"""


@contextmanager
def asking(shop_dir: Path, first: str = "") -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Somebody who has preloaded, does `first` and then starts a process; and the id of what has imported."""
    environ = processes.bare_environ(shop_dir, shop_dir, "whoever began it")
    del environ[processes.SHOP_MARK]
    argv = [sys.executable, "-c", BEGINS, str(shop_dir), first]
    with subprocess.Popen(argv, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as whoever:
        assert whoever.stdout
        yield whoever, int(whoever.stdout.readline())


@pytest.mark.parametrize("how", ["in good order", "killed"])
def test_it_ends_with_whoever_began_it_and_what_it_became_stays(shop_dir: Path, how: str) -> None:
    with asking(shop_dir) as (whoever, pid):
        eventually(lambda: has_said(shop_dir / "here.log"), "it has started a process, which says what it is")
        [process] = processes_of(shop_dir)
        assert process.ppid() == pid
        if how == "killed":
            whoever.kill()
    eventually(lambda: not is_alive(pid), "what imported has ended")
    assert processes_of(shop_dir) == [process]


def test_what_was_asked_for_by_somebody_who_is_gone_never_runs(shop_dir: Path) -> None:
    with asking(shop_dir, "levers.suspend(psutil.Process(preload.pid()))") as (whoever, pid):
        eventually((shop_dir / "here.log").exists, "it asks")
        whoever.kill()
    os.kill(pid, signal.SIGCONT)
    eventually(lambda: not is_alive(pid), "what imported has ended")
    eventually(lambda: not processes_of(shop_dir), "so has what it began")
    assert not (shop_dir / "here.log").read_text()


class TestAlone:
    """What cannot be a fork, or would not be the same as one, is started by itself."""

    def test_when_it_was_killed(self, shop_dir: Path, preloaded: int) -> None:
        os.kill(preloaded, signal.SIGKILL)
        process, _ = started(shop_dir, "here")
        assert process.ppid() == os.getpid()
        assert preload.pid() is None

    @pytest.mark.parametrize(
        ("argv", "more"),
        [
            ([*COMMAND, "x" * preload.ROOM["arguments"]], {}),
            (COMMAND, {"LONG": "x" * preload.ROOM["environment"]}),
            (COMMAND, {"PYTHONHASHSEED": "1"}),
            (COMMAND, {"LC_ALL": "C"}),
            ([sys.executable, "-c", "import tests.itself as it; it.main()"], {}),
        ],
        ids=["a long command", "a long environment", "another seed", "another language", "no module"],
    )
    def test_when_it_is_to_be_another(
        self, shop_dir: Path, preloaded: int, argv: list[str], more: Mapping[str, str]
    ) -> None:
        process, said = started(shop_dir, "here", argv, **more)
        assert process.ppid() == os.getpid()
        assert said["environment"].items() >= more.items()
        assert preload.pid() == preloaded

    def test_where_a_process_cannot_see_its_own_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        preload.end()
        monkeypatch.setattr(sys, "platform", "darwin")
        preload.begin(processes.bare_environ(Path(), Path(), ""))
        assert preload.pid() is None
