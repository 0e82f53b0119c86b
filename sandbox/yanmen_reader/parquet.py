"""Rows as a Parquet file in the node's descriptor, a batch at a time: what is held in memory is one batch."""

import os
from collections.abc import Iterable

import pyarrow
from pyarrow import parquet

from yanmen_reader.order import Ended, Trouble
from yanmen_reader.target import Full, Target


class ArrowTarget:
    """The node's descriptor as Arrow writes to it."""

    closed = False

    def __init__(self, fd: int) -> None:
        """Write from the beginning of `fd`."""
        self._target = Target(fd)

    def write(self, data: object) -> int:
        """Write all of `data`."""
        try:
            return self._target.write(data)
        except Full as error:
            raise Ended(Trouble.ROOM if error.room else Trouble.FAILED) from None

    def tell(self) -> int:
        """Return how much was written."""
        return self._target.tell()

    def flush(self) -> None:
        """Do nothing: nothing is held back."""

    def close(self) -> None:
        """Leave the descriptor to the process."""
        self.closed = True

    def readable(self) -> bool:
        """Say no."""
        return False

    def writable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say no."""
        return False


def write(batches: Iterable[pyarrow.RecordBatch], schema: pyarrow.Schema, fd: int) -> int:
    """Write `batches` and return how many rows they have."""
    rows = 0
    with parquet.ParquetWriter(pyarrow.PythonFile(ArrowTarget(fd), mode="w"), schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def warm_up() -> None:
    """Write a file of each type once: libraries load what they need while files can still be opened."""
    pyarrow.set_cpu_count(1)
    pyarrow.set_io_thread_count(1)
    values = [pyarrow.array([1, None]), pyarrow.array([1.5, None]), pyarrow.array([True]), pyarrow.array(["x", None])]
    for value in values:
        batch = pyarrow.record_batch([value], names=["a"])
        fd = os.memfd_create("warm-up", os.MFD_CLOEXEC)
        try:
            write([batch], batch.schema, fd)
        finally:
            os.close(fd)
        batch.to_pylist()
