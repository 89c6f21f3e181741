"""How files change under their readers: whole or not at all, with the right mode, by one writer at a time.

The services read their leaf, key and CRL while the CA writes them, in another process. So each
file is made beside its target and moved over it by `os.replace`, which POSIX promises to be atomic.
"""

import fcntl
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PUBLIC, SECRET = 0o644, 0o600
KEY = "key.pem"  # how the name of a file ends that nobody else may read


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the directory's one lock: whoever else wants to change it waits, in whichever process."""
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, SECRET)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # the kernel drops the lock with it, also when we are killed


@contextmanager
def staged(directory: Path, contents: Mapping[str, bytes]) -> Iterator[None]:
    """Write all files beside their targets, then run the block, then move each into place.

    What can fail (a full disk, a missing right) fails before the block; an error inside the
    block leaves everything as it was. The files move in the order given. The caller holds the CA's lock.
    """
    ready: dict[Path, Path] = {}
    try:
        for name, content in contents.items():
            target = directory / name
            fresh = directory / f".{name}.new"  # one name, so that a writer killed here leaves at most one
            ready[fresh] = target
            _write(fresh, content, SECRET if name.endswith(KEY) else PUBLIC)
        yield
        for fresh, target in ready.items():
            os.replace(fresh, target)
    finally:
        for fresh in ready:
            fresh.unlink(missing_ok=True)


def replace(directory: Path, contents: Mapping[str, bytes]) -> None:
    """Put these files in place, each of them atomically."""
    with staged(directory, contents):
        pass  # nothing has to happen in between


def private(directory: Path) -> None:
    """Make the directory and see to it that only its owner can look inside."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if stat.S_IMODE(directory.stat().st_mode) != 0o700:
        directory.chmod(0o700)


def differs(path: Path, content: bytes) -> bool:
    """Say whether the file is missing or holds anything else."""
    try:
        return path.read_bytes() != content
    except FileNotFoundError:
        return True


def _write(path: Path, content: bytes, mode: int) -> None:
    """Create the file with its final mode from the first byte: a key is never readable for a moment."""
    path.unlink(missing_ok=True)  # of a writer that was killed; who holds the lock is alone
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with open(descriptor, "wb") as stream:
        os.fchmod(descriptor, mode)  # whatever the umask took away
        stream.write(content)
        stream.flush()
        os.fsync(descriptor)  # the bytes before the name: after a power cut, no empty file under it
