"""May this be asked, and as which SQL? DuckDB's syntax tree -> closed plan -> SQL we wrote."""
