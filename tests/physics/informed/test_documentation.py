"""The example in the documentation runs, and its own assertions hold."""

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[3] / "docs" / "physics_informed.md"


def test_the_example_of_a_new_problem_runs():
    blocks = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 2
    assert len(blocks[0].splitlines()) <= 55
    namespace = {"__name__": "example"}
    for number, block in enumerate(blocks):
        exec(compile(block, f"{DOCS.name}, block {number + 1}", "exec"), namespace)
