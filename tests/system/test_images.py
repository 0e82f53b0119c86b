"""The two images: what is in them and what is not, and three departments of the compose file that are really served."""

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from yanmen.model.config import Docker

from tests import container_engine
from tests.patience import LONG_S, wait_until
from tests.ports import free_port
from tests.system.town import SUBJECT, done

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "scripts" / "image_files" / "compose.yaml"
USER = 10001
MEGABYTES = {"worker": 130, "node": 440}
"""Most of either is libraries of others: DuckDB's 68 MB, OpenDP's 168 MB."""
EVERY_MODULE = """
import importlib, pkgutil, yanmen, yanmen_sandbox
for package in (yanmen, yanmen_sandbox):
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not found.name.endswith(("__main__", "client.frames")):  # what an analyst's pandas needs is not a node's
            importlib.import_module(found.name)
import opendp.prelude as dp
dp.enable_features("contrib")
print(len(dp.m.make_gaussian(dp.vector_domain(dp.atom_domain(T=int)), dp.l2_distance(T=float), 2.0)([1, 2, 3])))
"""


@pytest.fixture(scope="module")
def settings() -> Docker:
    return container_engine.need()


@pytest.fixture(scope="module")
def engine(settings: Docker) -> Iterator[docker.APIClient]:
    api = docker.APIClient(f"unix://{settings.socket}", version="auto", timeout=int(LONG_S))
    yield api
    api.close()


@pytest.fixture(scope="module", params=["worker", "node"])
def image(request: pytest.FixtureRequest, engine: docker.APIClient) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def files(image: str, engine: docker.APIClient) -> list[tarfile.TarInfo]:
    """Return every file of the image, as a container of it would see them."""
    made = engine.create_container(f"yanmen-{image}")["Id"]
    try:
        with tempfile.TemporaryFile() as held:
            for chunk in engine.export(made):
                held.write(chunk)
            held.seek(0)
            with tarfile.open(fileobj=held) as archive:
                return archive.getmembers()
    finally:
        engine.remove_container(made, force=True)


def test_an_image_is_small(image: str, engine: docker.APIClient) -> None:
    assert engine.inspect_image(f"yanmen-{image}")["Size"] < MEGABYTES[image] * 1_000_000


def test_an_image_is_an_ordinary_users(image: str, engine: docker.APIClient) -> None:
    assert engine.inspect_image(f"yanmen-{image}")["Config"]["User"] not in {"", "0", "root"}


def test_an_image_has_no_shell_no_package_manager_no_compiler_and_nothing_setuid(files: list[tarfile.TarInfo]) -> None:
    names = {Path(file.name).name for file in files}
    assert not names & {
        "sh",
        "bash",
        "dash",
        "busybox",
        "apt",
        "apt-get",
        "dpkg",
        "apk",
        "pip",
        "pip3",
        "gcc",
        "cc",
        "ld",
    }
    assert [file.name for file in files if file.mode & 0o6000 and file.isfile()] == []
    assert [file.name for file in files if file.mode & 0o002 and file.isfile()] == []


def test_the_worker_has_nothing_of_the_nodes(files: list[tarfile.TarInfo], image: str) -> None:
    folders = {name for file in files for name in Path(file.name).parts}
    assert "yanmen_sandbox" in folders
    assert ({"cryptography", "grpc", "opendp", "docker"} <= folders) is (image == "node")


def test_every_module_of_the_node_runs_in_its_image(engine: docker.APIClient) -> None:
    """Each package that one needs is there, and what was taken off the libraries was not needed."""
    made = engine.create_container(
        "yanmen-node",
        entrypoint=["python3", "-c", EVERY_MODULE],
        host_config=engine.create_host_config(network_mode="none", read_only=True, cap_drop=["ALL"]),
    )["Id"]
    try:
        engine.start(made)
        ended = engine.wait(made, timeout=2 * LONG_S)
        said = engine.logs(made).decode()
        assert (ended["StatusCode"], said.strip()) == (0, "3"), said
    finally:
        engine.remove_container(made, force=True)


PORTS = {"health": 7443, "civil": 7444, "labour": 7445}


def compose(settings: Docker, place: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run docker-compose over the file that comes with the project."""
    ports = {f"YANMEN_{name.upper()}": f"127.0.0.1:{free_port()}" for name in PORTS}
    command = ["docker-compose", "--file", str(COMPOSE), "--project-directory", str(place)]
    project = ("--project-name", f"yanmen{os.getpid()}")
    environment = {**os.environ, **ports, "DOCKER_HOST": f"unix://{settings.socket}"}
    return subprocess.run(
        [*command, *project, *words], env=environment, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Make the folders of three departments and of a member, as the compose file says."""
    nodes = tmp_path / "nodes"
    register = nodes / "register" / "register.jws"
    register.parent.mkdir(parents=True)
    done("space", "init", tmp_path / "space", "--name", "test.example")
    for number, (name, port) in enumerate(PORTS.items()):
        who = ("--subject", f"{SUBJECT}{number}", "--region", "1401", "--address", f"{name}:{port}")
        done("node", "init", nodes / name, "--name", name, "--alias", name, *who)
        granted = done("space", "sign", tmp_path / "space", nodes / name / "application.jws")["grant"]
        shutil.copy(tmp_path / "space" / "register.jws", register)
        done("node", "accept", nodes / name, granted, "--register", register)
        toml = nodes / name / "node.toml"
        toml.write_text(toml.read_text().replace(str(register), "../register/register.jws"))
    who = ("--subject", f"{SUBJECT}4", "--region", "1401", "--role", "developer")
    done("member", "init", nodes / "alice", "--name", "alice", "--alias", "alice", *who)
    granted = done("member", "enrol", tmp_path / "space", nodes / "alice" / "application.jws")["grant"]
    shutil.copy(tmp_path / "space" / "register.jws", register)
    done("member", "accept", nodes / "alice", granted, "--register", register)
    for path in (nodes, *nodes.rglob("*")):
        os.chown(path, USER, USER)
    return tmp_path


def test_three_departments_are_served_from_the_compose_file(
    settings: Docker, place: Path, engine: docker.APIClient
) -> None:
    container_engine.need_program("docker-compose")
    up = compose(settings, place, "up", "--detach")
    try:
        assert up.returncode == 0, up.stderr
        nodes = place / "nodes"
        served = [nodes / name / "serving.address" for name in PORTS]  # written once it listens
        wait_until(lambda: all(path.exists() for path in served), 3 * LONG_S)
        assert listed(engine, nodes, "labour") == {"datasets": []}
    finally:
        down = compose(settings, place, "down")
    assert down.returncode == 0, down.stderr


def listed(engine: docker.APIClient, nodes: Path, at: str) -> object:
    """Return the catalogue of the department `at`, as a member in another container gets it over mutual TLS."""
    made = engine.create_container(
        "yanmen-node",
        ["dataset", "list", "--as", str(nodes / "alice"), "--at", at, "--json"],
        host_config=engine.create_host_config(
            network_mode=f"yanmen{os.getpid()}_default", binds={str(nodes): {"bind": str(nodes), "mode": "rw"}}
        ),
    )["Id"]
    try:
        engine.start(made)
        ended = engine.wait(made, timeout=2 * LONG_S)
        said = engine.logs(made).decode()
        assert ended["StatusCode"] == 0, said
        return json.loads(said)
    finally:
        engine.remove_container(made, force=True)
