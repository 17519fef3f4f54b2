"""Compiled code on disk belongs to all source of its package."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nightside
from nightside.camera.line_scan_kernel import compiled as line_scan
from nightside.compiled import source_digest
from nightside.physics.inversion_kernel import compiled as inversion


@pytest.mark.parametrize("module", [line_scan, inversion], ids=["line scan", "inversion"])
def test_any_file_of_a_package_changes_the_folder_of_its_machine_code(tmp_path, module):
    package = Path(module.__file__).parent
    copy = shutil.copytree(package, tmp_path / "kernel", ignore=shutil.ignore_patterns("__pycache__"))
    assert source_digest(copy) == source_digest(package)
    assert module.compiled.cache.name == f"{package.name}-{source_digest(package)}"
    for file in sorted(copy.glob("*.py")):
        before = source_digest(copy)
        file.write_text(file.read_text() + "# changed\n")
        assert source_digest(copy) != before


@pytest.fixture
def caller_and_callee(tmp_path):
    """A package of two compiled modules."""
    package = tmp_path / "split"
    package.mkdir()
    (package / "__init__.py").touch()
    shutil.copy(line_scan.__file__, package)
    (package / "callee.py").write_text(
        "from split.compiled import compiled\n@compiled()\ndef one(): return 1\n"
    )
    (package / "caller.py").write_text(
        "from split.callee import one\nfrom split.compiled import compiled\n@compiled()\ndef two(): return 2 * one()\n"
    )
    return tmp_path


def test_a_caller_does_not_run_the_old_code_of_a_function_in_another_file(caller_and_callee):
    source = Path(nightside.__file__).parents[1]

    def run() -> list[str]:
        environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
        return subprocess.run(
            [
                sys.executable,
                "-c",
                "from split.caller import two; print(two(), sum(two.stats.cache_hits.values()))",
            ],
            cwd=caller_and_callee,
            env={**environment, "PYTHONPATH": f"{caller_and_callee}{os.pathsep}{source}"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()

    assert run() == ["2", "0"]
    assert run() == ["2", "1"]
    callee = caller_and_callee / "split" / "callee.py"
    callee.write_text(callee.read_text().replace("return 1", "return 7"))
    assert run() == ["14", "0"]
