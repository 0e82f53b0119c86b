"""What an image does not need of the files put into it: tests, headers, and what only debuggers read."""

import re
import struct
from pathlib import Path

FOLDERS = frozenset(
    {
        "ensurepip",
        "f2py",
        "idlelib",
        "include",
        "lib2to3",
        "pydoc_data",
        "test",
        "tests",
        "tkinter",
        "turtledemo",
    }
)
FILES = re.compile(
    r"(_tkinter|_test\w*|_ctypes_test|_xx\w+|xx\w+|readline|nis|_gdbm|_dbm|_curses\w*)\..*|"
    r".*\.opt-[12]\.pyc|turtle\..*|.*\.(a|pyi|pxd|pyx|c|h|cpp)"
)
"""Extension modules that would bring a screen, a terminal or a data base along, and what compilers read."""

# elf(5): where an ELF file says how it is loaded, and what only linkers and debuggers read.
MAGIC = b"\x7fELF\x02\x01"
PROGRAM_TABLE, SECTION_TABLE, PROGRAM_SIZES, SECTION_NUMBERS = 0x20, 0x28, 0x36, 0x3C
FILE_OFFSET, FILE_SIZE = 8, 32


def wanted(path: Path) -> bool:
    """Tell whether an image needs the file or folder."""
    return path.name not in FOLDERS and not path.name.startswith("config-3.") and FILES.fullmatch(path.name) is None


def loaded(data: bytes) -> bytes:
    """Return what the kernel and the loader read of an ELF file: without symbols for linkers and debuggers.

    A file of another kind, or another word size or byte order, comes back as it is.
    """
    if not data.startswith(MAGIC):
        return data
    (table,) = struct.unpack_from("<Q", data, PROGRAM_TABLE)
    size, count = struct.unpack_from("<HH", data, PROGRAM_SIZES)
    end = table + size * count
    for number in range(count):
        at = table + size * number
        (offset,) = struct.unpack_from("<Q", data, at + FILE_OFFSET)
        (length,) = struct.unpack_from("<Q", data, at + FILE_SIZE)
        end = max(end, offset + length)
    kept = bytearray(data[:end])
    struct.pack_into("<Q", kept, SECTION_TABLE, 0)
    struct.pack_into("<HH", kept, SECTION_NUMBERS, 0, 0)
    return bytes(kept)
