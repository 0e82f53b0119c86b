"""The members DuckDB 2.0 writes for each operator of a bound plan, and the values they must have.

A release that adds a member, or gives one another value, is refused until somebody has looked at it.
"""

from yanmen.planning.members import Object

NO_COLUMN = 2**64 - 1
"""Where a scan reads no column but only counts its rows; also how "unknown" is written."""

SCAN = frozenset(
    {
        *("type", "children", "table_index", "returned_types", "names", "projection_ids", "table_filters"),
        *("arguments", "qname", "has_serialize", "function_data", "parameters", "named_parameters"),
        *("input_table_types", "input_table_names", "projected_input", "column_indexes", "extra_info"),
        *("ordinality_idx", "row_group_order_options", "scan_partition_indices", "source_ordinality"),
        *("table_filters_by_projection", "has_pushed_projection", "at_clause"),
    }
)
SCAN_DEFAULTS: Object = {
    "children": [],
    "projection_ids": [],
    "table_filters": {"filters": [], "multi_column_filters": []},
    "arguments": [],
    "qname": {"path": ["seq_scan"]},
    "has_serialize": True,
    "parameters": [],
    "named_parameters": [],
    "input_table_types": [],
    "input_table_names": [],
    "projected_input": [],
    "row_group_order_options": None,
    "scan_partition_indices": [],
    "source_ordinality": "WITHOUT_ORDINALITY",
    "has_pushed_projection": False,
    "at_clause": None,
    "extra_info": {
        "file_filters": "",
        "total_files": NO_COLUMN,
        "filtered_files": NO_COLUMN,
        "sample_options": None,
        "file_filter_expressions": None,
    },
}
SCAN_DATA = frozenset(
    {"catalog", "schema", "table", "is_index_scan", "is_create_index", "result_ids", "qualified_name"}
)
INDEX = frozenset({"index", "child_indexes", "index_type", "type", "field", "has_index"})
INDEX_DEFAULTS: Object = {
    "child_indexes": [],
    "index_type": "FULL_READ",
    "type": {"id": "INVALID", "type_info": None},
    "field": "",
    "has_index": True,
}
JOIN = frozenset(
    {
        *("type", "children", "join_type", "mark_index", "left_projection_map", "right_projection_map"),
        *("conditions", "mark_types", "duplicate_eliminated_columns", "delim_flipped"),
    }
)
JOIN_DEFAULTS: Object = {
    "left_projection_map": [],
    "right_projection_map": [],
    "mark_types": [],
    "duplicate_eliminated_columns": [],
    "delim_flipped": False,
}
AGGREGATE = frozenset(
    {
        *("type", "children", "expressions", "group_index", "aggregate_index", "groupings_index", "groups"),
        *("grouping_sets", "grouping_functions", "distinct_validity"),
    }
)
RANKED = frozenset(
    {
        *("expression_class", "type", "alias", "query_location", "query_location_length", "return_type"),
        *("children", "partitions", "orders", "filters", "ignore_nulls", "start", "end", "start_expr"),
        *("end_expr", "offset_expr", "default_expr", "exclude_clause", "distinct", "arg_orders"),
        *("sql_range_order_type", "sql_range_order_casts", "sql_range_start", "sql_range_end"),
        *("sql_range_start_boundary", "sql_range_end_boundary"),
    }
)
RANKED_DEFAULTS: Object = {
    "expression_class": "BOUND_WINDOW",
    "type": "WINDOW_ROW_NUMBER",
    "children": [],
    "ignore_nulls": False,
    "distinct": False,
    "arg_orders": [],
    "filters": None,
    "start_expr": None,
    "end_expr": None,
    "offset_expr": None,
    "default_expr": None,
    "sql_range_order_type": {"id": "INVALID", "type_info": None},
    "sql_range_order_casts": [],
    "sql_range_start": None,
    "sql_range_end": None,
    "sql_range_start_boundary": None,
    "sql_range_end_boundary": None,
    "start": "UNBOUNDED_PRECEDING",
    "end": "CURRENT_ROW_RANGE",
    "exclude_clause": "NO_OTHER",
}
UNION = frozenset({"type", "children", "table_index", "column_count", "setop_all", "allow_out_of_order"})
