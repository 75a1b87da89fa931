"""Tests of read_tables.py itself: a small table as Python writes it, then one planted difference for each check."""

import contextlib
import copy
import datetime
import io
import json
import tempfile
import unittest
from decimal import Decimal
from pathlib import Path

import deltalake
import pyarrow
import pyarrow.compute
import pyarrow.parquet

import read_tables

UTC = datetime.timezone.utc
INSTANT = pyarrow.timestamp("us", "UTC")
AMOUNT = pyarrow.decimal128(19, 4)
DETAIL = pyarrow.struct([("batch_no", pyarrow.string()), ("num", AMOUNT), ("expires", INSTANT)])

ROWS = pyarrow.table(
    {
        "account": ["main", "main", "second"],
        "spec_id": pyarrow.array([1, 2, 1], pyarrow.int64()),
        "warehouse_id": pyarrow.array([7, 7, 7], pyarrow.int64()),
        "spec_no": ["007", "", None],
        "stock_num": pyarrow.array([Decimal("1.0001"), Decimal("999999999999999.9999"), None], AMOUNT),
        "weight": pyarrow.array([None, None, None], AMOUNT),
        "defect": [True, False, None],
        "modified": pyarrow.array(
            [datetime.datetime(2024, 10, day, 1, 2, 3, micros, UTC) for day, micros in [(6, 0), (7, 500), (8, 0)]], INSTANT
        ),
        "details": pyarrow.array(
            [
                [{"batch_no": "旺店通", "num": Decimal("1.2500"), "expires": datetime.datetime(2025, 1, 1, tzinfo=UTC)}],
                [],
                None,
            ],
            pyarrow.list_(DETAIL),
        ),
        "_wdt_run_id": ["r1", "r1", "r1"],
    }
)

EXPECTED = {
    "rows": 3,
    "key": ["account", "spec_id", "warehouse_id"],
    "keys": 3,
    "accounts": ["second", "main"],
    "sums": {"stock_num": "1000000000000001.0000", "weight": None},
    "cursor": "modified",
    "cursor_min": "2024-10-06T01:02:03Z",
    "cursor_max": "2024-10-08T01:02:03Z",
    "row": {
        "key": {"account": "main", "spec_id": 1, "warehouse_id": 7},
        "values": {
            "account": "main",
            "spec_id": 1,
            "warehouse_id": 7,
            "spec_no": "007",
            "stock_num": "1.0001",
            "weight": None,
            "defect": True,
            "modified": "2024-10-06T01:02:03Z",
            "details": [{"batch_no": "旺店通", "num": "1.2500", "expires": "2025-01-01T00:00:00Z"}],
        },
        "unchecked": ["_wdt_run_id"],
    },
}


def planted(path, value):
    """The expected values with one of them changed."""
    changed = copy.deepcopy(EXPECTED)
    target = changed
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = value
    return changed


class ReadTables(unittest.TestCase):
    """Each test runs both readers."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.warehouse = Path(folder.name)
        deltalake.write_deltalake(cls.warehouse / "stock", ROWS, partition_by=["account"])

    def run_main(self, tables, warehouse=None):
        """Exit code and output for expected values."""
        expected = self.warehouse / "expected.json"
        expected.write_text(json.dumps({"tables": tables}), encoding="utf-8")
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = read_tables.main([str(warehouse or self.warehouse), str(expected)])
        return code, out.getvalue() + err.getvalue()

    def test_equal_values_pass(self):
        code, output = self.run_main({"stock": EXPECTED})
        self.assertEqual(code, 0, output)
        self.assertIn("reader deltalake: ok, 18 checks of stock", output)
        self.assertIn("reader duckdb: ok, 18 checks of stock", output)

    def test_each_planted_difference_is_found_by_both_readers(self):
        cases = {
            "rows": (["rows"], 4),
            "distinct keys": (["keys"], 2),
            "accounts": (["accounts"], ["main"]),
            "sum of stock_num": (["sums", "stock_num"], "1000000000000001.0001"),
            "sum of weight": (["sums", "weight"], "0.0000"),
            "cursor_min": (["cursor_min"], "2024-10-06T09:02:03Z"),
            "cursor_max": (["cursor_max"], None),
            "rows with the key": (["row", "key", "spec_id"], 3),
            "columns": (["row", "unchecked"], []),
            "cell spec_no": (["row", "values", "spec_no"], 7),
            "cell stock_num": (["row", "values", "stock_num"], "1.0002"),
            "cell weight": (["row", "values", "weight"], "0.0000"),
            "cell defect": (["row", "values", "defect"], 1),
            "cell modified": (["row", "values", "modified"], "2024-10-06T01:02:04Z"),
            "cell details": (["row", "values", "details", 0, "num"], "1.25"),
        }
        for what, (path, value) in cases.items():
            with self.subTest(what):
                code, output = self.run_main({"stock": planted(path, value)})
                self.assertEqual(code, 1, output)
                for reader in read_tables.READERS:
                    self.assertIn(f"reader {reader.name}: stock: {what}", output)

    def test_hive_folders_are_read_without_a_log(self):
        folder = self.warehouse / "hive"
        for account in ["main", "second"]:
            rows = ROWS.filter(pyarrow.compute.equal(ROWS["account"], account)).drop(["account"])
            (folder / "stock" / f"account={account}").mkdir(parents=True)
            pyarrow.parquet.write_table(rows, folder / "stock" / f"account={account}" / "1.parquet")
        # what a reader must leave out
        for aside in ["_staged/2.parquet.0", "_manifest/1.json"]:
            (folder / "stock" / aside).parent.mkdir()
            (folder / "stock" / aside).write_text("{}", encoding="utf-8")
        for tables, wanted in [(EXPECTED, 0), (planted(["rows"], 4), 1)]:
            code, output = self.run_main({"stock": tables}, folder)
            self.assertEqual(code, wanted, output)
            for reader in ["pyarrow", "duckdb-hive"]:
                self.assertIn(f"reader {reader}: " + ("stock: rows" if wanted else "ok, 18 checks of stock"), output)

    def test_the_newest_row_is_that_of_the_last_file_whatever_its_folder(self):
        folder = self.warehouse / "versions"
        for name, values in [("dt=2/1-00000", [3, 4]), ("dt=9/1-00001", [5]), ("dt=1/2-00000", [6])]:
            (folder / "stock" / name).parent.mkdir(parents=True)
            rows = pyarrow.table({"id": [1 for _ in values], "num": pyarrow.array(values, pyarrow.int64())})
            pyarrow.parquet.write_table(rows, folder / "stock" / f"{name}-ff.parquet")
        for number, wanted in [(6, 0), (5, 1)]:
            tables = {"rows": 4, "key": ["id"], "keys": 1, "newest": {"rows": 1, "sums": {"num": number}}}
            code, output = self.run_main({"stock": tables}, folder)
            self.assertEqual(code, wanted, output)

    def test_a_table_that_is_not_there_is_a_difference(self):
        code, output = self.run_main({"stock": EXPECTED, "goods": EXPECTED})
        self.assertEqual(code, 1, output)
        for reader in read_tables.READERS:
            self.assertIn(f"reader {reader.name}: goods: cannot be read", output)

    def test_a_check_left_out_by_a_slip_is_refused(self):
        for tables in [{}, {"stock": {"rows": 3}}, {"stock": planted(["sum"], {})}, {"stock": planted(["row", "cells"], {})}]:
            with self.subTest(tables):
                self.assertEqual(self.run_main(tables)[0], 2)

    def test_zones_floats_and_fractions_are_told_apart(self):
        local = datetime.datetime(2024, 10, 6, 9, 2, 3, 500, datetime.timezone(datetime.timedelta(hours=8)))
        self.assertEqual(read_tables.canonical(local), "2024-10-06T01:02:03.000500Z")
        self.assertIn("without a zone", read_tables.canonical(local.replace(tzinfo=None)))
        self.assertEqual(read_tables.canonical(1.5), "float 1.5")


if __name__ == "__main__":
    unittest.main()
