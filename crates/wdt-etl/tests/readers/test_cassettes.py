"""The cassettes of fixtures/ hold to docs/cassette.schema.json, as a validator that is not this project's reads it."""

import copy
import json
import unittest
from pathlib import Path

import jsonschema

ROOT = Path(__file__).resolve().parents[4]
SCHEMA = json.loads((ROOT / "docs" / "cassette.schema.json").read_text("utf-8"))


def documents():
    """Every header and every line of every cassette, with its file."""
    for header in sorted((ROOT / "fixtures" / "cassettes").glob("*/cassette.json")):
        yield header, json.loads(header.read_text("utf-8"))
        log = header.with_name("log.ndjson")
        for line in log.read_text("utf-8").splitlines():
            yield log, json.loads(line)


class Cassettes(unittest.TestCase):
    """What the recorder writes, and what it would never write."""

    def setUp(self):
        jsonschema.Draft202012Validator.check_schema(SCHEMA)
        self.validator = jsonschema.Draft202012Validator(SCHEMA)

    def test_every_document_holds_to_the_schema(self):
        count = 0
        for path, document in documents():
            errors = [error.message for error in self.validator.iter_errors(document)]
            self.assertEqual(errors, [], f"{path}: {document}")
            count += 1
        self.assertGreater(count, 30)

    def test_a_member_that_is_missing_unknown_or_of_another_form_is_refused(self):
        refused = 0
        for path, document in documents():
            for place, member in [((), "seed"), (("exchange",), "request"), (("decision",), "account")]:
                held = copy.deepcopy(document)
                inner = held
                for name in place:
                    inner = inner.get(name, {})
                if member not in inner:
                    continue
                value = inner.pop(member)
                self.assertFalse(self.validator.is_valid(held), f"{path}: without {member}")
                inner[member] = 7
                self.assertFalse(self.validator.is_valid(held), f"{path}: another {member}")
                inner[member] = value
                inner["more"] = value
                self.assertFalse(self.validator.is_valid(held), f"{path}: more than there is")
                refused += 1
        self.assertGreater(refused, 30)


if __name__ == "__main__":
    unittest.main()
