from tests.unit.planning.engine import planned


def test_first() -> None:
    found = planned("SELECT sex, count(*) FROM person WHERE age > 50 GROUP BY sex")
    print(found.sql)
    assert found.keys[0].domain == ("f", "m")
