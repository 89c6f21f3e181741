"""What costs are measured with: order statistics, the clocks of processes, a plain client, and fair rounds."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from scenarios.bench import clock, wire
from scenarios.bench.contest import Course, NotProven, Sample, hold
from scenarios.bench.knocking import NO_HTTP, Knocking, Wrong, outcome
from scenarios.bench.statistics import quantile, ratio, spread
from scenarios.bench.wire import Target


@pytest.mark.parametrize(
    ("count", "low", "high"),
    # The sign test: of 15, 3 or fewer lie on one side with 0.0176, 4 or fewer with 0.0592, and 0.025 is allowed.
    [(15, 4, 12), (9, 2, 8), (8, 1, 8), (6, 1, 6), (5, 1, 5), (1, 1, 1)],
)
def test_the_interval_of_a_median_is_the_sign_tests(count: int, low: int, high: int) -> None:
    found = spread([float(figure) for figure in range(count, 0, -1)])
    assert (found.low, found.high) == (low, high)
    assert (found.median, found.count) == ((count + 1) / 2, count)


def test_quartiles_are_figures_that_were_measured() -> None:
    assert spread([4.0, 1.0, 3.0, 2.0]).quartiles == (1.0, 3.0)
    assert [quantile([1.0, 2.0, 3.0, 4.0], share) for share in (0.0, 0.5, 0.51, 1.0)] == [1.0, 2.0, 3.0, 4.0]


def test_a_ratio_is_of_pairs_so_that_a_slow_round_slows_both() -> None:
    found = ratio([10.0, 100.0, 20.0], [5.0, 50.0, 10.0])
    assert (found.low, found.median, found.high) == (2.0, 2.0, 2.0)
    with pytest.raises(ValueError, match="shorter"):
        ratio([1.0, 2.0], [1.0])


BUSY = "import time\nwhile time.process_time() < 0.2: pass\nprint(flush=True)\ninput()"
IDLE = "print(flush=True)\ninput()"


@contextlib.contextmanager
def child(code: str) -> Iterator[int]:
    """The pid of a process that has done what `code` does, and waits."""
    argv = [sys.executable, "-S", "-E", "-c", code]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def test_the_time_that_a_busy_child_spends_is_seen_and_a_waiting_one_spends_none() -> None:
    with child(BUSY) as busy, child(IDLE) as idle:
        assert clock.cpu_seconds([busy]) >= 0.2
        before = clock.cpu_seconds([idle])
        assert before + clock.cpu_seconds([busy]) <= clock.cpu_seconds([busy, idle])  # read in this order
        assert clock.cpu_seconds([idle]) - before < 0.1


def test_a_child_of_a_child_belongs_to_the_family() -> None:
    code = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-S', '-c', {IDLE!r}])\ninput()"
    with child(code) as pid:
        assert len(clock.family(pid)) == 2


def test_whoever_is_gone_is_missed() -> None:
    with child(IDLE) as pid:
        pass
    with pytest.raises(OSError, match=r"."):
        clock.cpu_seconds([pid])


@contextlib.contextmanager
def answering(*answers: bytes) -> Iterator[Target]:
    """A server that sends these answers to the requests of each connection, then hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(ConnectionError):
                    for answer in answers:
                        if connection.recv(65536):
                            connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Target(f"http://127.0.0.1:{listener.getsockname()[1]}/", {})
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
NO = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"


def test_answers_of_fixed_length_are_read_one_after_the_other_on_one_connection() -> None:
    with answering(OK, OK, OK) as target:
        assert len(wire.keep_asking(target, [target.octets()] * 3)) == 3
        assert wire.ask(target) == (200, b"ok")


def test_each_request_may_have_a_connection_of_its_own() -> None:
    with answering(OK) as target:
        assert len(wire.ask_anew(target, [target.octets()] * 3)) == 3


@pytest.mark.parametrize("send", [wire.keep_asking, wire.ask_anew])
def test_a_refusal_is_not_timed(send: Callable[[Target, list[bytes]], list[float]]) -> None:
    with answering(NO) as target, pytest.raises(wire.Unexpected, match="401: no"):
        send(target, [target.octets()])


@pytest.mark.parametrize(
    ("answer", "why"),
    [(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", "hung up"), (b"HTTP/1.1 200 OK\r\n\r\nok", "how long")],
)
def test_an_answer_that_is_cut_off_or_has_no_length_is_none(answer: bytes, why: str) -> None:
    with answering(answer) as target, pytest.raises(wire.Unexpected, match=why):
        wire.ask(target)


@dataclass
class Fake:
    """A contestant that writes down what happens to it."""

    name: str
    book: list[str]
    open: bool = False
    costs: Iterator[float] = field(default_factory=lambda: iter(range(100)))

    def prove(self) -> Sequence[str]:
        if self.open:
            raise NotProven(f"{self.name} is open")
        self.book.append(f"prove {self.name}")
        return ["shut"]

    def turn(self) -> Sample:
        self.book.append(self.name)
        return Sample(next(self.costs), also={"calls": 1.0})


def test_everybody_is_proven_before_anybody_is_timed_and_each_begins_a_round() -> None:
    book: list[str] = []
    course = hold([Fake(name, book) for name in "abc"], rounds=3)
    assert book[:3] == ["prove a", "prove b", "prove c"]
    assert "".join(book[3:]) == "abc" + "abc" + "bca" + "cab"
    assert course.proven == {name: ["shut"] for name in "abc"}
    assert course.figures("a") == [1, 2, 3]  # what came of warming up does not count
    assert course.figures("a", "calls") == [1.0, 1.0, 1.0]


def test_a_round_of_short_turns_is_one_sample() -> None:
    book: list[str] = []
    course = hold([Fake(name, book) for name in "ab"], rounds=2, slices=2)
    assert "".join(book[2:]) == "ab" + "abab" + "baba"
    assert course.figures("a") == [1.5, 3.5]


def test_further_rounds_of_the_same_contestants_go_on() -> None:
    course = Course()
    for cost in (1.0, 2.0):
        course.go_on(Course({"ours": [f"proof {cost}"]}, {"ours": [Sample(cost)]}))
    assert course.figures("ours") == [1.0, 2.0]
    assert course.proven == {"ours": ["proof 2.0"]}


def test_an_open_lock_is_not_timed() -> None:
    book: list[str] = []
    with pytest.raises(NotProven, match="b is open"):
        hold([Fake("a", book), Fake("b", book, open=True)], rounds=3)
    assert book == ["prove a"]


def under_the_name_of_a_guarded_one(target: Target, *wrong: Wrong) -> Knocking:
    """A contestant whose lock is whatever `target` makes of it; nothing of it is run."""
    return Knocking("guarded", target, process=None, show=lambda count: [{}] * count, wrong=wrong, body=b"ok", count=1)  # type: ignore[arg-type]


def test_an_endpoint_that_admits_a_wrong_credential_is_no_contestant() -> None:
    with answering(OK) as target, pytest.raises(NotProven, match="nobody gets 200, and should get 401"):
        under_the_name_of_a_guarded_one(target, Wrong("nobody", {}, None)).prove()


def test_an_endpoint_that_refuses_the_right_credential_is_no_contestant() -> None:
    with answering(NO) as target, pytest.raises(NotProven, match="whoever is right gets 401"):
        under_the_name_of_a_guarded_one(target).prove()


def test_a_server_that_hangs_up_on_a_stranger_has_refused_it() -> None:
    with answering() as target:
        assert outcome(target, {}) == NO_HTTP
