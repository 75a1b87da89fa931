"""Reads the tables of a warehouse with two readers that are not this project, and compares them with expected values.

    python read_tables.py WAREHOUSE EXPECTED.json

WAREHOUSE is a folder with one Delta table per name, or with one folder of plain Parquet per name: Hive folders, which are
read without a log, by a dataset of pyarrow and by DuckDB alone. EXPECTED.json says what must be in them; it comes from what the
platform sent, never from the tables:

    {"tables": {"enterprise_stock": {
        "rows": 2,                                   required
        "key": ["account", "spec_id"],               required: columns whose values are counted together
        "keys": 2,                                   required: distinct values of the key; fewer than rows in a history
        "accounts": ["main"],                        values of the column `account`
        "sums": {"stock_num": "123.4567"},           decimal columns; null where every cell is null
        "cursor": "modified",                        with both ends: null where every cell is null
        "cursor_min": "2024-10-06T01:02:03Z",
        "cursor_max": "2024-10-07T00:00:00Z",
        "row": {                                     one row, cell by cell
            "key": {"account": "main", "spec_id": 7},          finds exactly one row
            "values": {"account": "main", "stock_num": "1.5000", "modified": "2024-10-06T01:02:03Z"},
            "unchecked": ["_wdt_run_id"]},           columns are in `values` or here, none is forgotten
        "newest": {"rows": 1, "sums": {…}}           the same of the newest row of each key, as the names of the files order
                                                     them; only of Hive folders and by DuckDB
    }}}

What is not required may be left out, and is then not checked; a member of another name is an error. How a cell is written:
integer, boolean, text and null as JSON has them; a decimal as text with all its places ("1.5000"); a timestamp as
UTC text, "2024-10-06T01:02:03Z", with six decimals of a second only where they are not zero; a date as "2024-10-06";
a list as a list; a struct as an object. The types count: 1 is neither true nor "1" nor "1.0000".

Prints a line for each difference, or `reader NAME: ok, ...`, and adds the same lines to the file that
WDT_ETL_READERS_RECORD names. Exit code: 0 all equal, 1 a difference or a table that cannot be read, 2 a bad call.
"""

import copy
import datetime
import decimal
import functools
import importlib.resources
import json
import os
import sys
from pathlib import Path

import deltalake
import duckdb
import pyarrow.dataset

REQUIRED = {"rows", "key", "keys"}
OPTIONAL = {"accounts", "sums", "cursor", "cursor_min", "cursor_max", "row", "newest"}


class BadExpectation(Exception):
    """The file of expected values is not what the docstring says."""


def canonical(cell):
    """A cell as the expected values write it."""
    if isinstance(cell, decimal.Decimal):
        return format(cell, "f")
    if isinstance(cell, datetime.datetime):
        if cell.tzinfo is None:
            return cell.isoformat() + " without a zone"
        cell = cell.astimezone(datetime.timezone.utc)
        seconds = cell.strftime("%Y-%m-%dT%H:%M:%S")
        return seconds + (f".{cell.microsecond:06}Z" if cell.microsecond else "Z")
    if isinstance(cell, datetime.date):
        return cell.isoformat()
    if isinstance(cell, (list, tuple)):
        return [canonical(item) for item in cell]
    if isinstance(cell, dict):
        return {name: canonical(item) for name, item in cell.items()}
    if cell is None or isinstance(cell, (bool, int, str)):
        return cell
    return f"{type(cell).__name__} {cell!r}"


class DeltaLake:
    """Python deltalake into Arrow; sums, ends and counts are made by Python itself."""

    name = "deltalake"

    def __init__(self, path):
        self.table = deltalake.DeltaTable(str(path)).to_pyarrow_table()

    def columns(self):
        return self.table.column_names

    def rows(self):
        return self.table.num_rows

    def distinct(self, columns):
        rows = self.table.select(columns).to_pylist()
        return sorted({tuple(row[name] for name in columns) for row in rows}, key=repr)

    def total(self, column):
        with decimal.localcontext() as context:
            context.prec = 60
            cells = [cell for cell in self.table.column(column).to_pylist() if cell is not None]
            return sum(cells) if cells else None

    def ends(self, column):
        cells = [cell for cell in self.table.column(column).to_pylist() if cell is not None]
        return (min(cells), max(cells)) if cells else (None, None)

    def find(self, key):
        names = list(key)
        found = self.table.select(names).to_pylist()
        places = [place for place, row in enumerate(found) if all(row[name] == key[name] for name in names)]
        return [self.table.slice(place, 1).to_pylist()[0] for place in places]


class PyArrow(DeltaLake):
    """A dataset of pyarrow over Hive folders; no log is read."""

    name = "pyarrow"

    def __init__(self, path):
        self.table = pyarrow.dataset.dataset(str(path), format="parquet", partitioning="hive").to_table()


class DuckDb:
    """DuckDB and its delta extension; sums, ends and counts are made by SQL."""

    name = "duckdb"

    def __init__(self, path):
        self.connection = duckdb_connection()
        self.source = f"delta_scan({text(path)})"

    def ask(self, select, parameters=()):
        return self.connection.execute(select.replace("$table", self.source), list(parameters)).fetchall()

    def columns(self):
        return [row[0] for row in self.ask("describe select * from $table")]

    def rows(self):
        return self.ask("select count(*) from $table")[0][0]

    def distinct(self, columns):
        return self.ask(f"select distinct {', '.join(map(quoted, columns))} from $table order by all")

    def total(self, column):
        return self.ask(f"select sum({quoted(column)}) from $table")[0][0]

    def ends(self, column):
        return self.ask(f"select min({quoted(column)}), max({quoted(column)}) from $table")[0]

    def find(self, key):
        same = " and ".join(f"{quoted(name)} is not distinct from ?" for name in key)
        names = self.columns()
        return [dict(zip(names, row)) for row in self.ask(f"select * from $table where {same}", key.values())]


class DuckDbHive(DuckDb):
    """DuckDB over Hive folders; no log is read."""

    name = "duckdb-hive"

    def __init__(self, path):
        super().__init__(path)
        self.source = f"read_parquet({text(path / '**' / '*.parquet')}, hive_partitioning = true)"
        self.ordered = self.source.replace("true)", "true, filename = true, file_row_number = true)")

    def newest(self, key):
        """The table of the newest rows: the query of docs/tables.md."""
        newest = copy.copy(self)
        newest.source = f"""(
            select * exclude (filename, file_row_number) from {self.ordered}
            qualify row_number() over (
                partition by {', '.join(map(quoted, key))} order by parse_filename(filename) desc, file_row_number desc
            ) = 1)"""
        return newest


@functools.cache
def duckdb_connection():
    """One connection for all tables: the extension is large and takes a moment to load. Nothing is fetched."""
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    version = connection.execute("pragma version").fetchone()[0]
    package = importlib.resources.files("duckdb_extension_delta")
    extension = package / "extensions" / version / "delta.duckdb_extension"
    connection.execute(f"load {text(extension)}")
    connection.execute("set timezone = 'UTC'")
    return connection


READERS = [DeltaLake, DuckDb]
HIVE_READERS = [PyArrow, DuckDbHive]


def readers_of(warehouse, tables):
    """Those that read its tables as they are kept: by the log, or, where there is none, by the folders."""
    hive = any((warehouse / name).is_dir() and not (warehouse / name / "_delta_log").exists() for name in tables)
    return HIVE_READERS if hive else READERS


def quoted(name):
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def text(value):
    """A text in SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def compare(table, expected):
    """Yields (what, expected, found) for each check of a table, equal or not."""
    yield "rows", expected["rows"], table.rows()
    yield "distinct keys", expected["keys"], len(table.distinct(expected["key"]))
    if "accounts" in expected:
        found = [row[0] for row in table.distinct(["account"])]
        yield "accounts", sorted(expected["accounts"]), sorted(found, key=str)
    for column, total in expected.get("sums", {}).items():
        yield f"sum of {column}", total, canonical(table.total(column))
    if "newest" in expected and hasattr(table, "newest"):
        newest = table.newest(expected["key"])
        yield "newest rows", expected["newest"]["rows"], newest.rows()
        for column, total in expected["newest"]["sums"].items():
            yield f"newest sum of {column}", total, canonical(newest.total(column))
    if "cursor" in expected:
        first, last = table.ends(expected["cursor"])
        yield "cursor_min", expected["cursor_min"], canonical(first)
        yield "cursor_max", expected["cursor_max"], canonical(last)
    if "row" in expected:
        yield from compare_row(table, expected["row"])


def compare_row(table, expected):
    """The same for the cells of one row."""
    values, unchecked = expected["values"], set(expected.get("unchecked", []))
    found = table.find(expected["key"])
    yield f"rows with the key {expected['key']}", 1, len(found)
    yield "columns", sorted(set(values) | unchecked), sorted(table.columns())
    for row in found[:1]:
        for column, value in values.items():
            if column in row:
                yield f"cell {column}", value, canonical(row[column])


def check_expected(tables):
    """Refuses a file in which a check would be left out by a slip of the pen."""
    if not isinstance(tables, dict) or not tables:
        raise BadExpectation("no tables")
    for name, expected in tables.items():
        missing, unknown = REQUIRED - set(expected), set(expected) - REQUIRED - OPTIONAL
        if missing or unknown:
            raise BadExpectation(f"{name}: missing {sorted(missing)}, unknown {sorted(unknown)}")
        if len({"cursor", "cursor_min", "cursor_max"} & set(expected)) not in (0, 3):
            raise BadExpectation(f"{name}: cursor, cursor_min and cursor_max go together")
        row = expected.get("row", {"key": 0, "values": 0})
        if not {"key", "values"} <= set(row) <= {"key", "values", "unchecked"}:
            raise BadExpectation(f"{name}: row has {sorted(row)}")


def as_json(value):
    """For comparing and for printing: in JSON, 1 is not true."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def read(reader, warehouse, tables):
    """Compares all tables through one reader; returns its lines and whether all is equal."""
    lines, checks = [], 0
    for name, expected in tables.items():
        try:
            for what, wanted, found in compare(reader(warehouse / name), expected):
                checks += 1
                if as_json(wanted) != as_json(found):
                    lines.append(f"{name}: {what}: expected {as_json(wanted)}, found {as_json(found)}")
        except Exception as error:  # whatever a reader raises means that it cannot read the table
            lines.append(f"{name}: cannot be read: {type(error).__name__}: {error}")
    equal = not lines
    if equal:
        lines = [f"ok, {checks} checks of {', '.join(tables)}"]
    return [f"reader {reader.name}: {line}" for line in lines], equal


def main(arguments):
    """The command."""
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        tables = json.loads(Path(arguments[1]).read_text(encoding="utf-8"))["tables"]
        check_expected(tables)
    except (OSError, ValueError, KeyError, TypeError, BadExpectation) as error:
        print(f"{arguments[1]}: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    warehouse = Path(arguments[0])
    results = [read(reader, warehouse, tables) for reader in readers_of(warehouse, tables)]
    lines = [line for found, _ in results for line in found]
    print("\n".join(lines))
    if record := os.environ.get("WDT_ETL_READERS_RECORD"):
        with open(record, "a", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
    return 0 if all(equal for _, equal in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
