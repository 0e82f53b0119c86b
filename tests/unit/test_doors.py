"""Each dependency has one door: who reads the code knows where a key, a database or a process can be touched."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NODE = ROOT / "node" / "yanmen"
SANDBOX = ROOT / "sandbox" / "yanmen_sandbox"
READER = ROOT / "sandbox" / "yanmen_reader"

DOORS = {
    "cryptography": {"crypto"},
    "nacl": {"crypto"},
    "rfc3161_client": {"crypto"},
    "sqlite3": {"ledger"},
    "psycopg": {"ledger"},
    "grpc": {"wire", "client"},
    "subprocess": {"execution"},
    "docker": {"execution"},
    "multiprocessing": set[str](),
    "msgspec": {"formats"},
    "opendp": {"disclosure"},
    "opentelemetry": {"wire"},
    "prometheus_client": {"wire"},
    "pybase64": {"formats"},
    "cedarpy": {"admission"},
    "duckdb": set[str](),
    "h11": {"wire"},
    "starlette": {"console"},
    "jinja2": {"console"},
    "uvicorn": {"console"},
    "yanmen_sandbox": set[str](),
    "yanmen_reader": set[str](),
    "adbc_driver_manager": set[str](),
    "adbc_driver_postgresql": set[str](),
    "pickle": set[str](),
}
OF_THE_JAIL = {"yanmen_sandbox.apart", "yanmen_sandbox.kernel", "yanmen_sandbox.request"}
"""What the reader of PostgreSQL takes of the jail, besides what its system calls are filtered by."""
SANDBOX_NEVER = {
    "yanmen",
    "cryptography",
    "nacl",
    "grpc",
    "sqlite3",
    "subprocess",
    "opendp",
    "cedarpy",
    "pickle",
    "yanmen_reader",
}


@cache
def imported(path: Path) -> frozenset[str]:
    """Return the top-level packages `path` imports, inside functions too."""
    return frozenset(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("package", DOORS)
def test_a_dependency_is_imported_behind_its_door_only(package: str) -> None:
    users = {
        path.relative_to(NODE).parts[0].removesuffix(".py") for path in NODE.rglob("*.py") if package in imported(path)
    }
    assert users <= DOORS[package]


def test_every_door_is_used() -> None:
    used = {package for path in NODE.rglob("*.py") for package in imported(path)}
    assert {package for package, door in DOORS.items() if door} <= used


def test_the_sandbox_can_reach_no_key_network_or_database_of_ours() -> None:
    reached = {(path.name, package) for path in SANDBOX.rglob("*.py") for package in imported(path)}
    assert {(name, package) for name, package in reached if package in SANDBOX_NEVER} == set()


def test_the_reader_of_a_database_has_the_jails_calls_and_nothing_else_of_ours() -> None:
    ours: set[str] = set()
    for path in READER.rglob("*.py"):
        packages = set(imported(path))
        assert not packages & ((SANDBOX_NEVER | {"duckdb", "_duckdb"}) - {"yanmen_reader"}), path
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("yanmen_sandbox"):
                names = {f"yanmen_sandbox.{alias.name}" for alias in node.names}
                ours |= names if node.module == "yanmen_sandbox" else {node.module}
    assert ours == OF_THE_JAIL | {"yanmen_sandbox.seccomp_filter", "yanmen_sandbox.seccomp_policy"}
