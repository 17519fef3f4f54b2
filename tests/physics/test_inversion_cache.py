"""Compiled code on disk belongs to all of the kernel's source."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nightside.physics import inversion_kernel
from nightside.physics.inversion_kernel.compiled import CACHE, source_digest

KERNEL = Path(inversion_kernel.__file__).parent


def test_any_file_of_the_kernel_changes_the_folder_of_its_machine_code(tmp_path):
    copy = shutil.copytree(KERNEL, tmp_path / "kernel", ignore=shutil.ignore_patterns("__pycache__"))
    assert source_digest(copy) == source_digest(KERNEL)
    assert CACHE.name.endswith(source_digest(KERNEL))
    for file in sorted(copy.glob("*.py")):
        before = source_digest(copy)
        file.write_text(file.read_text() + "# changed\n")
        assert source_digest(copy) != before


@pytest.fixture
def caller_and_callee(tmp_path):
    """A package of two compiled modules beside the kernel's own ``compiled.py``."""
    package = tmp_path / "split"
    package.mkdir()
    (package / "__init__.py").touch()
    shutil.copy(KERNEL / "compiled.py", package)
    (package / "callee.py").write_text(
        "from split.compiled import compiled\n@compiled()\ndef one(): return 1\n"
    )
    (package / "caller.py").write_text(
        "from split.callee import one\nfrom split.compiled import compiled\n@compiled()\ndef two(): return 2 * one()\n"
    )
    return tmp_path


def test_a_caller_does_not_run_the_old_code_of_a_function_in_another_file(caller_and_callee):
    def run() -> list[str]:
        environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
        return subprocess.run(
            [
                sys.executable,
                "-c",
                "from split.caller import two; print(two(), sum(two.stats.cache_hits.values()))",
            ],
            cwd=caller_and_callee,
            env={**environment, "PYTHONPATH": str(caller_and_callee)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()

    assert run() == ["2", "0"]
    assert run() == ["2", "1"]
    callee = caller_and_callee / "split" / "callee.py"
    callee.write_text(callee.read_text().replace("return 1", "return 7"))
    assert run() == ["14", "0"]
