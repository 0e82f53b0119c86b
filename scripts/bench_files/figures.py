"""Which commands print the figures that the documents claim, in full and for a quick look."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One command `scripts/bench NAME`; `alone` where other work on the machine would be measured with it."""

    name: str
    what: str
    full: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    alone: bool = False


FIGURES = (
    Figure("main", "what the node adds", ("--repeat", "5"), ("--repeat", "2", "--rows", "100000"), alone=True),
    Figure(
        "sandbox", "the jail", ("--scales", "1,10"), ("--scales", "0", "--repeat", "3", "--queries", "500"), alone=True
    ),
    Figure("wire", "over the wire", ("--scales", "1,10"), ("--only", "small,rate,idle", "--repeat", "10"), alone=True),
    Figure("receipts", "the usage log", alone=True),
    Figure("proofs", "inclusion proofs", alone=True),
    Figure("audit", "auditors", alone=True),
    Figure("policies", "contracts and guard rails", (), ("--contracts", "100", "--rounds", "1"), alone=True),
    Figure("bill", "bills", (), ("--uses", "500")),
    Figure("federation", "federation", (), ("--only", "noise")),
    Figure("joins", "joins across nodes", (), ("--only", "guesses,views", "--trials", "100"), alone=True),
    Figure("admission", "admission", (), ("--rounds", "1")),
    Figure("tpch-bars", "TPC-H about persons", (), ("--repeat", "1")),
    Figure("tpcds-bars", "TPC-DS about persons"),
    Figure("smartnoise", "peers: SmartNoise", (), ("--repeat", "2")),
    Figure("shapes", "shapes of questions", (), ("--count", "100")),
    Figure("hostile", "hostile questions", (), ("--every", "20")),
    Figure("sensitivity", "sensitivity", (), ("--questions", "20")),
    Figure("guesses", "guesses about one person"),
    Figure("epsilon", "the claimed epsilon"),
    Figure("ranks", "quantiles", (), ("--repeat", "1")),
    Figure("support", "floating point", ()),
    Figure("trackers", "trackers on exact data"),
    Figure("cuts", "finest tables of exact data", (), ("--shapes", "1")),
    Figure("timing", "timing", (), ("--pairs", "40")),
    Figure("forgeries", "forged logs"),
    Figure("fuzz", "hostile bytes", (), ("--inputs", "500")),
    Figure("fuzz-replies", "forged replies", (), ("--count", "200")),
    Figure("bombs", "SQL bombs", (), ("--only", "join")),
    Figure("leftovers", "killed with their node", (), ("--count", "5")),
    Figure("kill-node", "nodes killed", (), ("--rounds", "3")),
    Figure("kills", "killed and recovered"),
    Figure("race", "budget races", (), ("--rounds", "1", "--kills", "3")),
    Figure("replicas", "the ledger in PostgreSQL", (), ("--rounds", "1", "--kills", "3", "--seconds", "1")),
    Figure("quotas", "quota races"),
    Figure("control", "orders while running", (), ("--rounds", "2")),
)
LONG = frozenset(
    {"tpcds-bars", "guesses", "epsilon", "trackers", "forgeries", "kills", "support", "proofs", "receipts", "control"}
)
"""Figures without a smaller sample: a quick look leaves them out."""
