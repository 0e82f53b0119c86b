"""node.toml: strict, with the line of everything wrong."""

import dataclasses

import pytest
from yanmen.formats import config as node_toml
from yanmen.formats import connector_id
from yanmen.model.catalogue import SubjectSpace
from yanmen.model.config import Config, Docker, LargeSnapshots, NodeLimits, Witness
from yanmen.model.refusal import Fault, FaultCode

CONFIG = Config(
    id=connector_id.build("5", "91140100MA0GTTTT0X", "1401", "NODE0001"),
    name="卫健委 health",
    alias="health",
    address="127.0.0.1:7001",
    space="sx.example",
    register="../space/register.jws",
    space_key=bytes(range(32)),
    sandbox="landlock",
    approve_general=True,
    approve_columns_max=8,
    subject_spaces=(SubjectSpace("persons", 2_000_000, 10), SubjectSpace("firms", 1, 0)),
    limits=NodeLimits(jobs=2, sql_bytes=1024),
    approve_micro_rho_max=100_000,
    policies="guards",
    witnesses=(Witness("https://w.example:7450/one", "w.example/one", bytes(range(1, 33))),),
    encrypted_volume=True,
    large=LargeSnapshots("/srv/clear", 1 << 20, 1 << 40),
)
CONTAINED = dataclasses.replace(
    CONFIG, sandbox="docker", docker=Docker("/run/e.sock", "yanmen-worker:2", "crun", 1 << 31)
)
CONTAINED = dataclasses.replace(
    CONFIG, sandbox="docker", docker=Docker("/run/e.sock", "yanmen-worker:2", "crun", 1 << 31)
)


def test_text_and_value_are_one() -> None:
    text = node_toml.encode(CONFIG)
    assert node_toml.decode(text.encode()) == CONFIG
    assert node_toml.encode(node_toml.decode(text.encode())) == text


@pytest.mark.parametrize("config", [CONTAINED, dataclasses.replace(CONFIG, sandbox="jail")])
def test_every_profile_can_be_asked_for(config: Config) -> None:
    assert node_toml.decode(node_toml.encode(config).encode()) == config


def test_a_profile_of_containers_has_defaults() -> None:
    text = node_toml.encode(CONTAINED)
    bare = text[: text.index("[docker]")] + text[text.index("[limits]") :]
    assert node_toml.decode(bare.encode()).docker == Docker()


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ('socket = "/run/e.sock"', 'socket = "tcp://10.0.0.1:2375"', "docker.socket"),
        ('socket = "/run/e.sock"', 'socket = "e.sock"', "docker.socket"),
        ('image = "yanmen', 'image = "-v', "docker.image"),
        ('runtime = "crun"', 'runtime = "../crun"', "docker.runtime"),
        ("memory_bytes = 2147483648", "memory_bytes = 1", "docker.memory_bytes"),
        ('image = "yanmen', 'privileged = "yanmen', "docker.privileged: unknown"),
    ],
)
def test_what_is_wrong_about_containers_is_named(old: str, new: str, part: str) -> None:
    text = node_toml.encode(CONTAINED)
    assert old in text
    with pytest.raises(Fault) as fault:
        node_toml.decode(text.replace(old, new).encode())
    assert part in fault.value.note


def test_everything_has_a_default_that_is_not_a_promise() -> None:
    text = node_toml.encode(CONFIG).split("[limits]")[0].replace("micro_rho_max = 100000\n", "")
    config = node_toml.decode(text.encode())
    assert config.limits == NodeLimits()
    assert config.approve_micro_rho_max == 0


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ('alias = "health"', 'alias = "Health"', "line 3: alias"),
        ('alias = "health"', 'aliases = "health"', "line 3: aliases: unknown key"),
        ('alias = "health"\n', "", "alias: missing"),
        ('id = "5', 'id = "6', "line 1: id: connector id"),
        ('address = "127.0.0.1:7001"', 'address = "127.0.0.1"', "line 4: address"),
        ('address = "127.0.0.1:7001"', 'address = "127.0.0.1:70010"', "line 4: address: no such port"),
        ('space = "sx.example"', 'space = "sx/../other"', "line 5: space"),
        ('space_key = "AAEC', 'space_key = "AAE', "line 7: space_key"),
        ('space_key = "AAEC', 'space_key = "=AEC', "line 7: space_key"),
        ("general = true", 'general = "true"', "line 13: approve.general: must be true or false"),
        ("columns_max = 8", "columns_max = -1", "line 14: approve.columns_max"),
        ("micro_rho_max = 100000", "micro_rho_max = 1e9", "line 15: approve.micro_rho_max"),
        ("lifetime_micro_rho = 2000000", "lifetime = 2000000", "line 19: subject_spaces.persons.lifetime: unknown"),
        ("lifetime_delta_e12 = 10", "lifetime_delta_e12 = 9999999999999", "line 20"),
        ("[subject_spaces.persons]", "[subject_spaces.Persons]", "line 18"),
        ('url = "https:', 'url = "ftp:', "witness.0.url: write it as https://HOST:PORT"),
        ('/one"\nvkey', '/one/"\nvkey', "witness.0.url: write it as https://HOST:PORT"),
        ("//w.example", "//user@w.example", "witness.0.url: write it as https://HOST:PORT"),
        ('vkey = "w.example', 'vkey = "x.example', "witness.0.vkey: vkey"),
        ('vkey = "w', 'key = "w', "witness.0.key: unknown key"),
        ("jobs = 2", "jobs = 0", "limits.jobs: must lie between 1"),
        ("jobs = 2", "jbos = 2", "limits.jbos: unknown key"),
        ("[limits]", "[limits", "not TOML"),
    ],
)
def test_a_problem_names_its_line(old: str, new: str, part: str) -> None:
    text = node_toml.encode(CONFIG)
    assert old in text
    with pytest.raises(Fault) as caught:
        node_toml.decode(text.replace(old, new, 1).encode())
    assert caught.value.code is FaultCode.CONFIG
    assert part in caught.value.note


def test_names_with_quotes_read_back() -> None:
    odd = dataclasses.replace(CONFIG, name='a"b\\c # 雁门')
    assert node_toml.decode(node_toml.encode(odd).encode()) == odd
