"""docs/protocol.md says what the schemas say."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

import kinebench.methods.protocol as protocol
from kinebench.methods.protocol import frames, log, tally, videos
from kinebench.methods.task import KINDS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "protocol.md").read_text()
EXAMPLES = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


def schema(name):
    found = json.loads((Path(protocol.__file__).parent / f"{name}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(found)
    return found


@pytest.mark.parametrize("name, number", [("job", 0), ("video", 1), ("error", 2)])
def test_examples_are_valid(name, number):
    jsonschema.validate(EXAMPLES[number], schema(name))


def test_the_answer_of_the_page_is_to_the_task_of_the_page():
    for mark in ("condition_sha256", "identity"):
        assert EXAMPLES[0]["tasks"][0][mark] == EXAMPLES[1][mark]


def test_every_field_is_told():
    for name in schema("video")["properties"]:
        assert f"| `{name}`" in PAGE or f", `{name}` |" in PAGE
    assert tuple(schema("error")["properties"]["kind"]["enum"]) == KINDS
    assert all(f"`{kind}`" in PAGE for kind in KINDS)


def test_figures_are_those_of_the_code():
    assert f"more than {log.LARGEST_BYTES // 1_000_000} MB" in PAGE
    assert f"more than {frames.LARGEST_SIDE_PX} pixels" in PAGE
    assert f"ended after {videos.LEAVING_S:g} s" in PAGE
    assert (tally.ATTEMPTS, tally.LIFELESS, tally.FRUITLESS) == (2, 2, 3)


def test_links_lead_somewhere():
    for target in re.findall(r"\]\((?!http)([^)]+)\)", PAGE):
        if target != "conditions.md":
            assert (ROOT / "docs" / target).exists(), target
