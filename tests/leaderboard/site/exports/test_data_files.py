"""Data files: a data package that describes what is there, by the rules of Data Package 2.0."""

import csv
import hashlib
import io
import json
import re
from typing import Any

import pytest

from leaderboard.board.board import Board, load_board
from leaderboard.site.exports.data_files import PublishedData, published_data
from tests.support.synthetic_board import full_board

SITE = "https://board.example.org/"
# Of https://datapackage.org/profiles/2.0: what a path, a resource's hash and a licence's name may be, and field types.
_PATH = re.compile(r"(?!file:)[^./~\\][^\\]*")
_TYPES = {"string", "integer", "number", "date"}
_LIMITS = {"required", "minimum", "maximum"}
_CONSTRAINTS = {"string": {"required", "enum"}, "date": {"required"}, "integer": _LIMITS, "number": _LIMITS}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> PublishedData:
    made = full_board(tmp_path_factory.mktemp("board"))
    return published_data(load_board(made.submissions, made.bases), SITE)


@pytest.fixture(scope="module")
def package(data: PublishedData) -> Any:
    return json.loads(dict(data)["datapackage.json"])


def test_the_package_holds_to_the_rules_of_its_format(package: Any) -> None:
    assert package["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT00:00:00Z", package["created"])
    assert package["homepage"] == SITE
    assert all(re.fullmatch(r"[-a-zA-Z0-9._]+", each["name"]) for each in package["licenses"])
    names = [resource["name"] for resource in package["resources"]]
    assert len(names) == len(set(names)) == 7
    for resource in package["resources"]:
        assert _PATH.fullmatch(resource["path"])
        assert ".." not in resource["path"]
        assert re.fullmatch(r".+/.+", resource["mediatype"])
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", resource["hash"])
        assert resource.get("type", "table") == "table"
        for field in resource.get("schema", {}).get("fields", []):
            assert field["type"] in _TYPES
            assert set(field.get("constraints", {})) <= _CONSTRAINTS[field["type"]]


def test_size_and_hash_are_those_of_the_files(data: PublishedData, package: Any) -> None:
    files = dict(data)
    for resource in package["resources"]:
        content = files[resource["path"]]
        assert resource["bytes"] == len(content)
        assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_the_fields_are_the_columns_and_the_cells_are_of_their_types(data: PublishedData, package: Any) -> None:
    files = dict(data)
    for resource in (each for each in package["resources"] if each["format"] == "csv"):
        head, *lines = csv.reader(io.StringIO(files[resource["path"]].decode()))
        fields = resource["schema"]["fields"]
        assert head == [field["name"] for field in fields]
        assert set(resource["schema"]["primaryKey"]) <= set(head)
        for line in lines:
            for cell, field in zip(line, fields, strict=True):
                limits = field.get("constraints", {})
                assert cell or not limits.get("required"), field["name"]
                if not cell:
                    continue
                if field["type"] in ("integer", "number"):
                    value = int(cell) if field["type"] == "integer" else float(cell)
                    assert limits.get("minimum", value) <= value <= limits.get("maximum", value), field["name"]
                elif "enum" in limits:
                    assert cell in limits["enum"], field["name"]


def test_tasks_name_entries_that_are_there(data: PublishedData, package: Any) -> None:
    (tasks,) = [each for each in package["resources"] if each["name"] == "tasks"]
    (key,) = tasks["schema"]["foreignKeys"]
    assert key["reference"] == {"resource": "board", "fields": ["entry_id"]}
    ids = {line["entry_id"] for line in csv.DictReader(io.StringIO(dict(data)["board.csv"].decode()))}
    assert {line["entry_id"] for line in csv.DictReader(io.StringIO(dict(data)["tasks.csv"].decode()))} == ids


def test_each_file_is_named_once_and_every_schema_is_there(data: PublishedData) -> None:
    names = [name for name, _ in data]
    assert len(names) == len(set(names))
    assert {file.schema for file in data.files if file.schema} <= set(names)
    assert [csv.name for _, csv, _ in data.pairs()] == ["board.csv", "tasks.csv", "recipes.csv"]
    assert [file.name for file in data.documents()] == ["board.json", "datapackage.json"]
    assert {file.name for file in data.schemas()} == {name for name in names if name.startswith("schemas/")}


def test_a_board_without_entries_has_its_columns_still() -> None:
    data = published_data(Board((), ()), None)
    assert dict(data)["board.csv"].count(b"\n") == 1
    assert "homepage" not in json.loads(dict(data)["datapackage.json"])
