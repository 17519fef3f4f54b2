"""The locks and recipes in envs/ say what pyproject.toml says."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
ENVS = ROOT / "envs"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
GROUPS = PROJECT["optional-dependencies"]
# conda-forge calls some by another name; pip's extras are packages of their own there.
CONDA_NAMES = {
    "dask-core": "dask",
    "python-isal": "isal",
    "matplotlib-base": "matplotlib",
    "pytorch": "torch",
    "snakemake-minimal": "snakemake",
}
CONDA_ONLY = {"python", "pip", "setuptools", "aiohttp"}


def locked(name):
    """Return the version and the hashes of each package of a lock."""
    found = {}
    for block in re.split(r"\n(?=\S)", (ENVS / name).read_text()):
        if not block.startswith("#"):
            pin = re.match(r"([\w.-]+)==([^\s;]+)", block)
            assert pin, f"{name}: no exact version in: {block}"
            found[canonicalize_name(pin[1])] = pin[2], re.findall(r"--hash=sha256:(\w+)", block)
    return found


def bounds(requirements):
    """Return the bounds of each requirement by its canonical name."""
    return {canonicalize_name(r.name): r.specifier for r in map(Requirement, requirements)}


@pytest.mark.parametrize("name", ["requirements.lock", "torch.lock"])
def test_every_locked_package_has_hashes(name):
    packages = locked(name)
    assert packages
    for package, (_, hashes) in packages.items():
        assert hashes, package
        assert all(re.fullmatch(r"[0-9a-f]{64}", each) for each in hashes), package


def test_what_pyproject_asks_for_is_locked_within_its_bounds():
    lock = locked("requirements.lock") | locked("torch.lock")
    asked = bounds(PROJECT["dependencies"])
    for group in GROUPS.values():
        asked |= bounds(group)
    outside = {
        name: str(bound) for name, bound in asked.items() if name not in lock or lock[name][0] not in bound
    }
    assert not outside, f"run scripts/lock: {outside}"


def test_pytorch_alone_is_left_out_of_the_lock_whose_hashes_are_always_checked():
    gpu = {"torch", "triton"}
    assert not {n for n in locked("requirements.lock") if n in gpu or n.startswith(("nvidia-", "cuda-"))}
    assert gpu <= set(locked("torch.lock"))


def test_the_conda_environment_has_the_bounds_of_pyproject():
    listed = yaml.safe_load((ENVS / "nightside.yaml").read_text())["dependencies"]
    conda = bounds(re.sub(r"^python=.*", "python", line) for line in listed)
    conda = {CONDA_NAMES.get(name, name): bound for name, bound in conda.items() if name not in CONDA_ONLY}
    assert conda == bounds(PROJECT["dependencies"] + GROUPS["train"] + GROUPS["workflow"])


def test_a_rules_conda_environment_gets_nightside_from_the_repository_alone(tmp_path):
    """Snakemake runs the script that bears the environment's name, in its working directory."""
    rules = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    assert set(re.findall(r'conda:\s+"(.*)"', rules)) == {"../../envs/nightside.yaml"}
    script = ENVS / "nightside.post-deploy.sh"
    assert "pip install --quiet --no-deps --no-build-isolation -e ." in script.read_text()
    elsewhere = subprocess.run(["sh", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert elsewhere.returncode == 1
    assert "in the folder of nightside's repository" in elsewhere.stderr


def test_every_environment_has_a_python_that_nightside_supports_and_the_recipes_the_one_of_conda():
    python = re.search(r"python=([\d.]+)", (ENVS / "nightside.yaml").read_text())[1]
    assert Version(python) in Requirement(f"python{PROJECT['requires-python']}").specifier
    for recipe in ("Dockerfile", "nightside.def"):
        said = set(re.findall(r"python(\d[\d.]*\d)", (ENVS / recipe).read_text()))
        assert said == {python}, recipe


def test_the_recipes_begin_with_the_same_base_of_an_exact_version_and_install_the_lock_alone():
    docker, apptainer = ((ENVS / name).read_text() for name in ("Dockerfile", "nightside.def"))
    bases = re.findall(r"^FROM (\S+)", docker, re.M) + re.findall(r"^From: (\S+)", apptainer, re.M)
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"[a-z/]+:\d+\.\d+[\w.-]*", bases[0])
    for text in (docker, apptainer):
        assert "scripts/install /opt/venv/bin/python" in text
        assert "pip install" not in text
    assert re.findall(r"\bTORCH=(\w+)$", docker, re.M) == re.findall(r"\bTORCH=(\w+)$", apptainer, re.M)


def test_both_recipes_take_along_what_the_workflow_reads():
    docker = re.findall(r"^COPY (.*) \S+$", (ENVS / "Dockerfile").read_text(), re.M)
    copied = {path for line in docker for path in line.split()}
    apptainer = (ENVS / "nightside.def").read_text()
    assert copied == set(re.findall(r"^    (\S+) /opt/nightside/\1$", apptainer, re.M))
    assert {"Snakefile", "workflow", "config", "src", "envs/nightside.yaml"} <= copied
    for path in copied:
        assert (ROOT / path).exists(), path
