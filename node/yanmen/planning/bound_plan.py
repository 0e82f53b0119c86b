"""Proof that the engine would run exactly what was planned, read off its own bound plan.

Every operator, expression and system function is on a closed list; every scan is of a planned table
and reads only planned columns; joins equate exactly the planned columns. Over guarded data each
column's path is followed: rows are grouped by the unit itself, what comes of it is grouped once more
by keys, and only those keys and those totals reach the answer.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from yanmen.planning import bound_members
from yanmen.planning.bound_clamps import at_most, clamp
from yanmen.planning.bound_expressions import (
    DIGESTING,
    RANKING,
    READER,
    SCALARS,
    Expressions,
    Seen,
    digest_of,
    type_id,
)
from yanmen.planning.bound_lanes import ROWS, Call, Expected, Kind, Lane, types
from yanmen.planning.bound_parts import Parts
from yanmen.planning.members import Members, Object, Value
from yanmen.planning.relation import End, Origin, Step

LAST_LEVELS = 2
"""Over guarded data the last grouping is by keys, the one before by keys and unit; those inside by unit."""


class Checker:
    """Follows each column of one block from its scans to the reply."""

    def __init__(self, expected: Expected) -> None:
        """Look for what is `expected`."""
        self._expected = expected
        self._tables: Counter[str] = Counter()
        self._read: set[Origin] = set()
        self._filtered: set[Origin] = set()
        self._ranks: Counter[int] = Counter()
        self._equalities: Counter[frozenset[End]] = Counter()
        self._steps: Counter[Step] = Counter()
        self._shapes: Counter[tuple[End, ...]] = Counter()
        self._parts = Parts(expected.parted)
        self._level = 0
        self._operators: dict[str, Callable[[Members], tuple[Lane, ...]]] = {
            "LOGICAL_GET": self._scan,
            "LOGICAL_COMPARISON_JOIN": self._join,
            "LOGICAL_FILTER": self._filter,
            "LOGICAL_PROJECTION": self._projection,
            "LOGICAL_AGGREGATE_AND_GROUP_BY": self._aggregate,
            "LOGICAL_CROSS_PRODUCT": self._cross,
            "LOGICAL_UNION": self._union,
            "LOGICAL_ORDER_BY": self._order,
            "LOGICAL_LIMIT": self._limit,
            "LOGICAL_DISTINCT": self._distinct,
        }
        if expected.guarded:
            self._operators["LOGICAL_WINDOW"] = self._window

    def lanes(self, value: Value) -> tuple[Lane, ...]:
        """Return the columns of the operator `value`, or refuse."""
        if not isinstance(value, dict):
            READER.refuse("operator")
        operator = self._operators.get(str(value.get("type")))
        if operator is None:
            READER.refuse(str(value.get("type")))
        return operator(value)

    def check_root(self, found: tuple[Lane, ...]) -> None:
        """Refuse unless the reply's columns are the planned ones."""
        outputs = self._expected.outputs
        if len(found) != len(outputs):
            READER.refuse("columns")
        for position, (lane, shown) in enumerate(zip(found, outputs, strict=True)):
            if lane.type.partition("(")[0] != shown.type:
                READER.refuse("columns")
            wanted = Kind.GROUP if position < self._expected.keys else Kind.TOTAL
            if self._expected.apart:
                wanted = Kind.ROW if position else Kind.UNIT
            path = Lane(wanted, lane.type, shown.origins, shown.calls, shown.row, shown.share)
            if self._expected.guarded and lane != path:
                READER.refuse("columns")

    def check_totals(self) -> None:
        """Refuse unless exactly the planned tables, columns and equalities were used."""
        planned = {(schema, name) for schema, columns in self._expected.columns.items() for name, _ in columns}
        proof = self._expected.proof
        if self._tables != Counter(proof.tables) or not self._read <= planned:
            READER.refuse("scans")
        if self._expected.guarded and self._filtered != proof.filtered:
            READER.refuse("filters")
        if self._ranks != Counter(proof.ranks):
            READER.refuse("ranks")
        if self._equalities != Counter(proof.equalities):
            READER.refuse("joins")
        if self._steps != Counter(proof.steps):
            READER.refuse("groups by unit")
        self._parts.check()
        if Counter(proof.relations) - self._shapes:
            READER.refuse("columns of a query")

    def _child(self, members: Object) -> tuple[Lane, ...]:
        children = READER.items(members, "children")
        if len(children) != 1:
            READER.refuse("children")
        return self.lanes(children[0])

    def _scan(self, value: Members) -> tuple[Lane, ...]:
        members = READER.exact(value, bound_members.SCAN, "LOGICAL_GET")
        READER.same(members, bound_members.SCAN_DEFAULTS, "LOGICAL_GET")
        data = READER.exact(members["function_data"], bound_members.SCAN_DATA, "LOGICAL_GET")
        schema = READER.text(data, "catalog")
        plain: Object = {"schema": "main", "table": "data", "is_index_scan": False, "is_create_index": False}
        READER.same(data, {**plain, "result_ids": [], "qualified_name": {"path": [schema, "main", "data"]}}, "scan")
        columns = self._expected.columns.get(schema, ())
        types = tuple(type_id(kind) for kind in READER.items(members, "returned_types"))
        if tuple(zip(READER.texts(members, "names"), types, strict=False)) != columns:
            READER.refuse(f"scan {schema}")
        self._tables[schema] += 1
        return tuple(self._scanned(schema, columns, index) for index in READER.items(members, "column_indexes"))

    def _scanned(self, schema: str, columns: tuple[tuple[str, str], ...], value: Value) -> Lane:
        members = READER.exact(value, bound_members.INDEX, "column_indexes")
        READER.same(members, bound_members.INDEX_DEFAULTS, "column_indexes")
        index = READER.integer(members, "index")
        if index == bound_members.NO_COLUMN:
            return Lane(Kind.PUBLIC if schema in self._expected.lookups else Kind.RANK, "")
        if index >= len(columns):
            READER.refuse("column_indexes")
        origin = (schema, columns[index][0])
        self._read.add(origin)
        kind = Kind.UNIT if origin in self._expected.units else Kind.ROW
        if schema in self._expected.lookups:
            kind = Kind.PUBLIC
        return Lane(kind, columns[index][1], frozenset({origin}))

    def _join(self, value: Members) -> tuple[Lane, ...]:
        members = READER.exact(value, bound_members.JOIN, "JOIN")
        READER.same(members, bound_members.JOIN_DEFAULTS, "JOIN")
        children = READER.items(members, "children")
        if len(children) != 2 or members["join_type"] not in ("INNER", "LEFT"):
            READER.refuse("JOIN")
        left, right = (self.lanes(child) for child in children)
        for condition in READER.items(members, "conditions"):
            sides = READER.exact(condition, frozenset({"left", "right", "comparison"}), "JOIN")
            READER.same(sides, {"comparison": "COMPARE_EQUAL"}, "JOIN")
            self._equate(
                left,
                Expressions(types(left)).see(sides["left"]),
                right,
                Expressions(types(right)).see(sides["right"]),
            )
        return (*left, *right)

    def _equate(self, left: tuple[Lane, ...], one: Seen, right: tuple[Lane, ...], other: Seen) -> None:
        if one.bare is None or other.bare is None:
            READER.refuse("JOIN")
        ends = (left[one.bare], right[other.bare])
        if self._expected.guarded and not {end.kind for end in ends} <= {*ROWS, Kind.UNIT}:
            READER.refuse("JOIN")
        self._equalities[frozenset({(end.origins, end.kind is Kind.UNIT) for end in ends})] += 1

    def _cross(self, value: Members) -> tuple[Lane, ...]:
        """Admit a product with open rows only: units meet by their equality."""
        members = READER.exact(value, frozenset({"type", "children"}), "CROSS PRODUCT")
        children = [self.lanes(child) for child in READER.items(members, "children")]
        if len(children) != 2 or (self._expected.guarded and not any(map(_public, children))):
            READER.refuse("CROSS PRODUCT")
        return (*children[0], *children[1])

    def _union(self, value: Members) -> tuple[Lane, ...]:
        members = READER.exact(value, bound_members.UNION, "UNION")
        READER.same(members, {"setop_all": True}, "UNION")
        if self._parts.wanted and self._level == 1:
            return self._halves(READER.items(members, "children"))
        first, *rest = [self.lanes(child) for child in READER.items(members, "children")]
        if not rest or any(types(part) != types(first) for part in rest):
            READER.refuse("UNION")
        return self._noted(tuple(self._either(lanes) for lanes in zip(first, *rest, strict=True)))

    def _halves(self, children: Sequence[Value]) -> tuple[Lane, ...]:
        """Admit what light units and what heavy units add, which must be the same columns."""
        found = []
        for child in children:
            found.append(self.lanes(child))
            self._parts.half()
        if any(lanes != found[0] for lanes in found):
            READER.refuse("UNION")
        return found[0]

    def _either(self, lanes: tuple[Lane, ...]) -> Lane:
        """Return the column that holds rows of each of `lanes`: units with units, the rest with the rest."""
        kinds = {lane.kind for lane in lanes}
        if self._expected.guarded and kinds != {Kind.UNIT} and not kinds <= ROWS:
            READER.refuse("UNION")
        kind = lanes[0].kind if len(kinds) == 1 else Kind.ROW
        return Lane(kind, lanes[0].type, frozenset[Origin]().union(*(lane.origins for lane in lanes)))

    def _filter(self, value: Members) -> tuple[Lane, ...]:
        members = READER.exact(value, frozenset({"type", "children", "expressions", "projection_map"}), "FILTER")
        READER.same(members, {"projection_map": []}, "FILTER")
        lanes = self._child(members)
        kinds = {lane.kind for lane in lanes}
        admitted = ROWS if kinds <= {*ROWS, Kind.UNIT} else {Kind.RANK}
        for expression in READER.items(members, "expressions"):
            seen = Expressions(types(lanes)).see(expression)
            if self._expected.guarded and any(lanes[ref].kind not in admitted for ref in seen.refs):
                READER.refuse("FILTER")
            if self._expected.guarded and admitted == {Kind.RANK}:
                self._ranks[at_most(expression)] += 1
                self._parts.ranked(lanes, at_most(expression))
            self._parts.filtered(lanes, seen, expression)
            for ref in seen.refs:
                self._filtered |= lanes[ref].origins
        return lanes

    def _projection(self, value: Members) -> tuple[Lane, ...]:
        members = READER.exact(value, frozenset({"type", "children", "expressions", "table_index"}), "PROJECTION")
        lanes = self._child(members)
        expressions = Expressions(types(lanes), DIGESTING if self._expected.apart else SCALARS)
        items = READER.items(members, "expressions")
        return self._noted(tuple(self._shown(lanes, expressions.see(item), item) for item in items))

    def _noted(self, lanes: tuple[Lane, ...]) -> tuple[Lane, ...]:
        """Keep count of what is projected, so that every query inside is found with its own columns."""
        self._shapes[tuple((lane.origins, lane.kind is Kind.UNIT) for lane in lanes)] += 1
        return lanes

    def _shown(self, lanes: tuple[Lane, ...], seen: Seen, item: Value) -> Lane:
        """Return what a projection makes of one column; a unit's share is clamped or passed on, nothing else."""
        digested = digest_of(item) if self._expected.apart else None
        if digested is not None and lanes[digested].kind is Kind.UNIT:
            return replace(lanes[digested], type=seen.type)
        lane = self._derived(lanes, seen)
        if seen.bare is not None or lane.kind is not Kind.SHARE:
            return lane
        if lane.share is not None:
            READER.refuse("PROJECTION")
        return replace(lane, share=clamp(item))

    def _derived(self, lanes: tuple[Lane, ...], seen: Seen) -> Lane:
        if seen.bare is not None:
            return lanes[seen.bare]
        used = [lanes[ref] for ref in seen.refs]
        kinds = {lane.kind for lane in used}
        origins = frozenset[Origin]().union(*(lane.origins for lane in used))
        if not self._expected.guarded or kinds <= ROWS:
            return Lane(Kind.PUBLIC if _public(lanes) else Kind.ROW, seen.type, origins)
        if kinds not in ({Kind.SHARE}, {Kind.TOTAL}) or len(used) != 1:
            READER.refuse("PROJECTION")
        return replace(used[0], type=seen.type)

    def _aggregate(self, value: Members) -> tuple[Lane, ...]:
        members = READER.exact(value, bound_members.AGGREGATE, "AGGREGATE")
        groups = READER.items(members, "groups")
        sets = [list(range(len(groups)))] if groups else []
        if members["grouping_sets"] != sets or members["grouping_functions"] != []:
            READER.refuse("AGGREGATE")
        level, self._level = self._level, self._level + 1
        lanes = self._child(members)
        self._level = level
        expressions = Expressions(types(lanes))
        keys = [self._group(lanes, expressions.see(group)) for group in groups]
        items = READER.items(members, "expressions")
        if self._expected.guarded and level < LAST_LEVELS:
            return self._guarded(lanes, keys, [(*expressions.aggregate(item, guarded=True), item) for item in items])
        calls = [expressions.aggregate(item, guarded=False) for item in items]
        if self._expected.guarded and not _public(lanes):
            return self._by_unit(lanes, keys, calls)
        return self._anonymous((*keys, *(self._derived(lanes, Seen(seen.refs, None, seen.type)) for seen, _ in calls)))

    def _anonymous(self, lanes: tuple[Lane, ...]) -> tuple[Lane, ...]:
        """Forget what open figures are made of: they are public, and the plan does not say either."""
        guarded = self._expected.guarded
        return tuple(
            lane if guarded and lane.kind is not Kind.PUBLIC else replace(lane, origins=frozenset()) for lane in lanes
        )

    def _by_unit(self, lanes: tuple[Lane, ...], keys: list[Lane], calls: list[tuple[Seen, str]]) -> tuple[Lane, ...]:
        """Group rows by their unit inside a query: what comes of it are rows of that unit."""
        unit, *groups = keys or [Lane(Kind.ROW, "")]
        kinds = {group.kind for group in groups} | {lanes[ref].kind for seen, _ in calls for ref in seen.refs}
        if unit.kind is not Kind.UNIT or not kinds <= ROWS:
            READER.refuse("GROUP BY")
        made = [(name, frozenset[Origin]().union(*(lanes[ref].origins for ref in seen.refs))) for seen, name in calls]
        self._steps[Step(tuple(group.origins for group in groups), tuple(made))] += 1
        rows = [Lane(Kind.ROW, group.type, group.origins) for group in groups]
        values = [Lane(Kind.ROW, seen.type, found) for (seen, _), (_, found) in zip(calls, made, strict=True)]
        return (unit, *rows, *values)

    def _guarded(self, lanes: tuple[Lane, ...], keys: list[Lane], calls: list[Call]) -> tuple[Lane, ...]:
        """Group rows by the unit itself and the keys, or what came of that by the keys: nothing else aggregates."""
        if not self._expected.extremes and any(name in ("min", "max") for _, name, _ in calls):
            READER.refuse("max")
        kinds = {lanes[ref].kind for seen, _, _ in calls for ref in seen.refs}
        wanted = [shown.origins for shown in self._expected.outputs[: self._expected.keys]]
        if any(key.kind is Kind.UNIT for key in keys):
            *groups, unit = keys
            if unit.kind is not Kind.UNIT or not {group.kind for group in groups} <= ROWS or not kinds <= ROWS:
                READER.refuse("AGGREGATE")
            after, owner = (Kind.KEY, Kind.SHARE), [Lane(Kind.OWNER, unit.type, unit.origins)]
        else:
            # Only the step above makes keys, owners and shares.
            before = {lane.kind for lane in lanes}
            if not before or not before <= {Kind.OWNER, Kind.KEY, Kind.SHARE} or not kinds <= {Kind.SHARE}:
                READER.refuse("AGGREGATE")
            groups, after, owner = keys, (Kind.GROUP, Kind.TOTAL), []
        if [group.origins for group in groups] != wanted:
            READER.refuse("GROUP BY")
        grouped = [Lane(after[0], group.type, group.origins) for group in groups]
        return (*grouped, *owner, *(_called(after[1], lanes, call) for call in calls))

    def _group(self, lanes: tuple[Lane, ...], seen: Seen) -> Lane:
        if seen.bare is None:
            READER.refuse("GROUP BY")
        return lanes[seen.bare]

    def _window(self, value: Members) -> tuple[Lane, ...]:
        members = READER.exact(value, frozenset({"type", "children", "expressions", "window_index"}), "WINDOW")
        lanes = self._child(members)
        expressions = Expressions(types(lanes), RANKING)
        for item in READER.items(members, "expressions"):
            ranked = READER.exact(item, bound_members.RANKED, "WINDOW")
            READER.same(ranked, bound_members.RANKED_DEFAULTS, "WINDOW")
            partitions = [expressions.see(part) for part in READER.items(ranked, "partitions")]
            self._check_partitions(lanes, partitions)
            for order in READER.items(ranked, "orders"):
                sorted_by = READER.exact(order, frozenset({"type", "null_order", "expression"}), "WINDOW")
                if any(lanes[ref].kind is Kind.SHARE for ref in expressions.see(sorted_by["expression"]).refs):
                    READER.refuse("WINDOW")
        return (*lanes, *(Lane(Kind.RANK, "BIGINT") for _ in READER.items(members, "expressions")))

    def _check_partitions(self, lanes: tuple[Lane, ...], partitions: list[Seen]) -> None:
        """Rank one unit's groups, or the rows of an open table with equal keys: nothing else is ranked."""
        kinds = [lanes[part.bare].kind for part in partitions if part.bare is not None]
        lookup = {lane.kind for lane in lanes} == {Kind.PUBLIC} and set(kinds) == {Kind.PUBLIC}
        if len(kinds) != len(partitions) or not (kinds == [Kind.OWNER] or lookup):
            READER.refuse("WINDOW")

    def _order(self, value: Members) -> tuple[Lane, ...]:
        members = READER.exact(value, frozenset({"type", "children", "orders", "projections"}), "ORDER BY")
        READER.same(members, {"projections": []}, "ORDER BY")
        lanes = self._open(members)
        for order in READER.items(members, "orders"):
            term = READER.exact(order, frozenset({"type", "null_order", "expression"}), "ORDER BY")
            Expressions(types(lanes)).see(term["expression"])
        return lanes

    def _limit(self, value: Members) -> tuple[Lane, ...]:
        names = frozenset({"type", "children", "limit_val", "offset_val", "unpruned_offset"})
        members = READER.exact(value, names, "LIMIT")
        for name in ("limit_val", "offset_val"):
            count = members[name]
            if not isinstance(count, dict) or count.get("type") not in ("CONSTANT_VALUE", "UNSET"):
                READER.refuse("LIMIT")
            READER.same(count, {"expression": None}, "LIMIT")
        return self._anonymous(self._open(members))

    def _distinct(self, value: Members) -> tuple[Lane, ...]:
        names = frozenset({"type", "children", "distinct_type", "distinct_targets", "order_by"})
        members = READER.exact(value, names, "DISTINCT")
        READER.same(members, {"distinct_type": "DISTINCT", "order_by": None}, "DISTINCT")
        return self._open(members)

    def _open(self, members: Object) -> tuple[Lane, ...]:
        """Return the columns below an operator that only open rows may pass."""
        lanes = self._child(members)
        if self._expected.guarded and not _public(lanes):
            READER.refuse(str(members["type"]))
        return lanes


def _public(lanes: tuple[Lane, ...]) -> bool:
    """Tell whether every column is of open tables."""
    return all(lane.kind is Kind.PUBLIC for lane in lanes)


def _called(kind: Kind, lanes: tuple[Lane, ...], call: Call) -> Lane:
    """Return the column an aggregate makes; SUM over rows adds up clamped values only."""
    seen, name, item = call
    used = [lanes[ref] for ref in sorted(seen.refs)]
    origins = frozenset[Origin]().union(*(lane.origins for lane in used))
    if kind is Kind.SHARE:
        arguments = item.get("children") if isinstance(item, dict) else None
        row = clamp(arguments[0]) if name == "sum" and isinstance(arguments, list) and arguments else None
        return Lane(kind, seen.type, origins, calls=(name,), row=row)
    if not used:
        return Lane(kind, seen.type, calls=(name,))
    return Lane(kind, seen.type, origins, calls=(*used[0].calls, name), row=used[0].row, share=used[0].share)
