"""Certificates are renewed while a stock driver and the SDK are connected: both go on; what they cannot do is said."""

import pytest
import yanmen
from adbc_driver_flightsql import dbapi
from yanmen.client import drivers
from yanmen.client.drivers import Driver

from tests.patience import wait_until
from tests.system.flight.conftest import Flown
from tests.system.town import Town, done


def renew(town: Town) -> None:
    """Sign the node's application again and accept it: the node goes on serving."""
    done("space", "sign", town.space, town.node / "application.jws")
    done("node", "accept", town.node, town.node / "granted.json", "--register", town.space / "register.jws")


def count(driver: Driver) -> int:
    """Return how many rates a new connection with these options finds."""
    with dbapi.connect(driver.uri, db_kwargs=driver.options, autocommit=True) as db:
        return asked(db, "SELECT count(*) AS n FROM rates")


def asked(db: dbapi.Connection, sql: str) -> int:
    """Return the one number that `sql` gives."""
    with db.cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.fetch_arrow_table()[0][0].as_py())


def test_many_rows_of_parameters_are_refused_with_what_to_do(flown: Flown) -> None:
    with flown.connect() as db, db.cursor() as cursor, pytest.raises(dbapi.Error, match="execute once for each row"):
        cursor.executemany("SELECT count(*) AS n FROM rates WHERE year > ?", [(1,), (2,)])


def test_a_stock_driver_and_the_sdk_live_through_a_renewal(flown: Flown) -> None:
    before, served = flown.grant(), flown.town.log().count('"certificate": "renewed"')
    assert count(before) == 3
    with flown.connect() as db, yanmen.connect("clinic", flown.town.root / "alice") as node:
        assert asked(db, "SELECT count(*) AS n FROM rates WHERE year > 2020") == 2
        node.checkpoint()
        renew(flown.town)
        assert asked(db, "SELECT count(*) AS n FROM rates WHERE year > 2021") == 1, "the open connection stays"
        assert count(before) == 3, "options made before the renewal open new connections after it"
        wait_until(lambda: flown.town.log().count('"certificate": "renewed"') > served)
        flown.town.stop()
        flown.town.serve()
        assert asked(db, "SELECT count(*) AS n FROM rates WHERE year > 2022") == 0, (
            "the driver's own connection was lost and made again"
        )
        assert node.checkpoint().size > 0, "so was the SDK's"


def test_the_options_admit_no_other_server_of_the_space(flown: Flown) -> None:
    """A trusted root alone would: the name is what only this node's certificates have."""
    other = {**flown.driver.options, drivers.NAME: flown.driver.options[drivers.NAME].replace("5", "6", 1)}
    with (
        pytest.raises(dbapi.Error, match="not " + other[drivers.NAME]),
        dbapi.connect(flown.driver.uri, db_kwargs=other, autocommit=True) as db,
        db.cursor() as cursor,
    ):
        cursor.execute("SELECT count(*) AS n FROM rates")


def test_a_member_s_renewal_is_taken_up_by_the_sdk_and_named_to_the_driver(flown: Flown) -> None:
    alice, space = flown.town.root / "alice", flown.town.space
    old = flown.grant()
    with yanmen.connect("clinic", alice) as node:
        done("member", "enrol", space, alice / "application.jws")
        done("member", "accept", alice, alice / "granted.json", "--register", space / "register.jws")
        assert node.checkpoint().size > 0, "the same object shows the certificate issued last"
    with pytest.raises(dbapi.Error, match=r"IDENTITY_UNKNOWN.*node\.driver"):
        count(old)
    assert count(flown.grant()) == 3
