"""The how-to keeps up with the code."""

import json
import re
from pathlib import Path

from analysis.warehouse.mapping import parse_mapping

ROOT = Path(__file__).parents[3]
HOWTO = (ROOT / "docs/howto/warehouse.md").read_text()


def test_howto__its_table_of_findings__has_every_code_and_no_other():
    source = "".join(path.read_text() for path in (ROOT / "analysis/warehouse").glob("*.py"))
    server = (ROOT / "experiment_server/sources/service.py").read_text()
    raised = set(re.findall(r'(?:WarehouseError|Finding)\(\s*"([a-z_]+)"', source + server)) | {
        "wrong_type"
    }

    listed = set(re.findall(r"^\| `([a-z_]+)` \| (?:error|warning|note)", HOWTO, re.MULTILINE))

    assert listed == raised


def test_howto__its_example__is_a_mapping_without_misfits():
    example = json.loads(re.search(r"```json\n(.*?)```", HOWTO, re.DOTALL)[1])

    mapping, misfits = parse_mapping(example["mapping"])

    assert misfits == []
    assert [path for path, _ in mapping.parts()] == [
        "exposures", "events[0]", "events[1]", "outcomes[0]", "learners",
    ]  # fmt: skip
