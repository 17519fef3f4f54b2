# The configuration, checked before the DAG is built, and what the rules share.
from pathlib import Path

from nightside.config import ConfigError, load
from nightside.thermal.acquire import blocks
from snakemake.exceptions import WorkflowError

try:
    SETTINGS = load(
        {k: v for k, v in config.items() if k != "area"}, config.get("area")
    )
except ConfigError as error:
    raise WorkflowError(str(error))

RESULTS = Path("results") / SETTINGS.name
LOGS = RESULTS / "logs"
BLOCKS = blocks(SETTINGS)

# Steps read the checked configuration; what they depend on stands in each rule's params, so that
# a changed training option does not ingest ten years again.
CONFIG = RESULTS / "config.yaml"
if not CONFIG.exists() or CONFIG.read_text() != SETTINGS.to_yaml():
    CONFIG.parent.mkdir(parents=True, exist_ok=True)
    CONFIG.write_text(SETTINGS.to_yaml())


def section(*names):
    """Return as text the parts of the configuration that a step depends on, so that a change runs it again."""
    values = SETTINGS.model_dump(mode="json")
    picked = {}
    for name in names:
        value = values
        for part in name.split("."):
            value = value[part]
        picked[name] = value
    return str(picked)
