"""Folders into which workers may spill what does not fit in memory: one each, watched, and gone with the worker.

A worker reaches its folder by a descriptor and no other path (Landlock), so the parents stay closed to
everybody. A file is limited by the kernel (RLIMIT_FSIZE), their sum by the engine, and both again from
here. After SIGKILL of this process a shell that waits for its end removes everything.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from threading import Lock

from yanmen.execution.process import ENVIRONMENT
from yanmen.model.refusal import Fault, FaultCode

FOLDER = "scratch"
FILES_MAX = 64
"""As many as a worker may have open."""
BLOCK = 512
AFTER_ME = 'cat >/dev/null; for n in 1 2 3 4 5 6 7 8 9; do rm -rf -- "$1" && exit; sleep 0.2; done'
"""Ends when our end of its input closes; a worker that dies with us may still make a file or two meanwhile."""

_OWNER = re.compile(r"duckdb_temp_[0-9]+_[0-9]+_owner", re.ASCII)
"""The engine's own mark, which stays while the engine does."""


class Scratch:
    """One worker's folder."""

    def __init__(self, folder: Path, fd: int, room: int) -> None:
        """Watch over `folder`, open as `fd`, which may hold `room` bytes."""
        self._folder = folder
        self.fd = fd
        self.room = room

    @property
    def exceeded(self) -> bool:
        """Whether more lies in it than there is room for."""
        taken = files = 0
        with suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    taken += entry.stat(follow_symlinks=False).st_blocks * BLOCK
                files += 1
        return taken > self.room or files > FILES_MAX

    @property
    def clean(self) -> bool:
        """Whether nothing of a question is left in it."""
        with os.scandir(self._folder) as entries:
            return all(
                _OWNER.fullmatch(entry.name) is not None and entry.stat(follow_symlinks=False).st_size == 0
                for entry in entries
            )


class ScratchSpace:
    """The folders of one process, below `<node>/scratch/<process>`; made when the first one is needed."""

    def __init__(self, directory: Path) -> None:
        """Keep folders below `directory`, the node's."""
        self._all = directory / FOLDER
        self._mine = self._all / str(os.getpid())
        self._numbers = count()
        self._lock = Lock()
        self._after_me: subprocess.Popen[bytes] | None = None

    def tidy(self) -> None:
        """Remove what dead processes left; only the one process that serves the node may call it."""
        shutil.rmtree(self._all, ignore_errors=True)

    @contextmanager
    def folder(self, room: int) -> Iterator[Scratch]:
        """Give a new folder for one worker, removed with all that is in it."""
        self._begin()
        folder = self._mine / str(next(self._numbers))
        try:
            folder.mkdir()
            folder.chmod(0o777)  # the worker may be another user; its parents let nobody pass
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise Fault(FaultCode.STORAGE, f"making a scratch folder: {os.strerror(error.errno or 0)}") from error
        try:
            yield Scratch(folder, fd, room)
        finally:
            os.close(fd)
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Remove everything; the workers are dead."""
        with self._lock:
            waiting, self._after_me = self._after_me, None
        if waiting is not None:
            waiting.communicate()

    def _begin(self) -> None:
        with self._lock:
            if self._after_me is not None and self._after_me.poll() is None:
                return
            self._mine.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._all.chmod(0o700)
            self._after_me = subprocess.Popen(
                ("/bin/sh", "-c", AFTER_ME, "sh", str(self._mine)),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )
