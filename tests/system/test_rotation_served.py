"""Keys of node and member are exchanged between questions: the contract signed before goes on, and all verifies."""

from yanmen.crypto import keys

from tests.system.town import Town, done, run

COUNT = "SELECT count(*) AS n FROM visits WHERE cost > {}"
WHY = ("--by", "张某", "--reason", "年度更换")


def test_a_contract_outlives_the_keys_it_was_signed_with(town: Town) -> None:
    alice = town.root / "alice"
    before = keys.load(alice / "signing.key").public
    assert town.ask(COUNT.format(1))[0] == 0
    town.stop()
    for verb, use in (("rotate", "receipt"), ("revoke", "log")):
        done("node", verb, town.node, use, *WHY)
        done("space", "sign", town.space, town.node / "exchange.json")
    done("member", "rotate", alice, "--reason", "年度更换")
    done("space", "sign", town.space, alice / "exchange.json")
    town.serve()
    code, answer = town.ask(COUNT.format(2))
    assert code == 0, answer
    assert keys.load(alice / "signing.key").public != before
    code, again = town.ask(COUNT.format(1))
    assert (code, again["repeated"]) == (0, True), again
    listed = done("contract", "list", "--as", alice, "--at", "clinic")
    assert [each["status"] for each in listed["contracts"]] == ["active"]
    report = town.verify("bundle")
    assert report["ok"], report["findings"]
    done("bill", "statement", town.node, "--from", "2020-01-01", "--to", "2020-01-31", "--output", town.root / "b.jws")
    bundle = town.root / "again"
    done("receipts", "export", town.node, bundle)
    code, audited = run("audit", "bill", bundle, town.root / "b.jws", "--space-key", town.space / "space.vkey")
    assert code == 0, audited
