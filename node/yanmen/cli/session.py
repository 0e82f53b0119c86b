"""`yanmen session`: sign a grant that a stock Arrow Flight SQL driver sends instead of a signature per question."""

import argparse
from pathlib import Path

from yanmen.cli.grammar import Parser, command, day_of, whole
from yanmen.cli.output import Result


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the command."""
    parser = command(
        commands,
        "session",
        "a grant for stock drivers (ADBC, pandas, polars, SQLAlchemy) 会话授权",
        granted,
        "yanmen session --as me --at health --contract ID --max-micro-rho 30000 --max-price-fen 500 --minutes 30",
    )
    parser.add_argument("--as", dest="identity", type=Path, required=True, help="the member's folder")
    parser.add_argument("--at", required=True, help="the node's alias, id or address")
    parser.add_argument("--contract", required=True, help="the contract's id")
    most = "most of the {} that all its questions together may spend; 0: none"
    parser.add_argument(
        "--max-micro-rho", type=whole, required=True, help=most.format("privacy budget, in millionths of ρ,")
    )
    parser.add_argument("--max-price-fen", type=whole, required=True, help=most.format("money, in fen,"))
    charge = "privacy charge of each question in millionths of ρ (the contract's default)"
    parser.add_argument("--micro-rho", type=whole, default=0, help=charge)
    parser.add_argument(
        "--minutes", type=whole, default=30, help="how long it holds (30; the node says how long at most)"
    )


def granted(arguments: argparse.Namespace) -> Result:
    """Sign the grant and say how it is used; the member's TLS key stays where it is."""
    from yanmen.client import connect, drivers

    with connect(arguments.at, identity=arguments.identity) as node:
        driver = node.driver(
            arguments.contract,
            max_micro_rho=arguments.max_micro_rho,
            max_price_fen=arguments.max_price_fen,
            micro_rho=arguments.micro_rho,
            minutes=arguments.minutes,
        )
    names = {drivers.ROOTS: "ca.crt", drivers.CHAIN: "tls.crt", drivers.KEY: "tls.key"}
    files = {name: arguments.identity / file for name, file in names.items()}
    options = {name: value for name, value in driver.options.items() if name not in files}
    lines = [
        f"uri       {driver.uri}",
        f"contract  {arguments.contract}",
        f"until     {day_of(driver.expires_s * 1000)}",
        f"grant     {driver.grant}",
        "",
        "It is as good as a signature until then: keep it as secret as a key. 有效期内等同于签名，请妥善保管。",
        "",
        "For a stock ADBC driver 标准驱动的连接选项:",
        f"  {drivers.AUTHORIZATION} = Bearer {driver.grant[:8]}…",
        *(f"  {name} = the text of {path}" for name, path in files.items()),
        *(f"  {name} = {options[name]}" for name in (drivers.NAME,) if name in options),
        "In Python connect(...).driver(...) of the SDK gives them all: docs/OPERATING.md, stock drivers.",
    ]
    fields = {"uri": driver.uri, "expires_s": driver.expires_s, "grant": driver.grant, "options": options}
    return Result("\n".join(lines), {**fields, "files": {name: str(path) for name, path in files.items()}})
