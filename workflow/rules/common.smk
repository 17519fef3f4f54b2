# The configuration, checked before the DAG is built, and what the rules share. On a cluster each job reads this twice,
# so that what only some configurations need is imported where they do.
from functools import cache
from os.path import relpath
from pathlib import Path

from nightside.config import ConfigError, load
from nightside.store import Busy, atomic_file, grid_of, hold, read_json
from nightside.thermal.acquire import block_period, blocks, listing_digests
from nightside.thermal.bin_memory import check_bins
from snakemake.exceptions import WorkflowError

try:
    SETTINGS = load(
        {k: v for k, v in config.items() if k != "area"}, config.get("area")
    )
except ConfigError as error:
    raise WorkflowError(str(error))

MAPS_TEMPERATURES = SETTINGS.diviner is not None
try:
    BINS_GB = (
        check_bins(
            grid_of(SETTINGS.mapped_region).shape,
            SETTINGS.thermal.bins.local_time_bins,
            SETTINGS.thermal.bins.memory_limit_gb,
        )
        if MAPS_TEMPERATURES
        else 0.0
    )
except ConfigError as error:
    raise WorkflowError(str(error))

RESULTS = Path("results") / SETTINGS.name
LOGS = RESULTS / "logs"
BLOCKS = blocks(SETTINGS) if MAPS_TEMPERATURES else []

# Steps read the checked configuration; what they depend on stands in each rule's params, so that
# a changed training option does not ingest ten years again.
CONFIG = RESULTS / "config.yaml"


# A manifest or a list stands for what it describes: where someone deleted that, it goes too, and the step runs again.
for manifest in [
    *RESULTS.glob("*/*.zarr.json"),
    *RESULTS.glob("thermal/bins/*.zarr.json"),
]:
    if not manifest.with_suffix("").is_dir():
        manifest.unlink()
for listing in RESULTS.glob("*/cog*.json"):
    listed = read_json(listing, "folder", "files")
    if not all(
        (listing.parent / listed["folder"] / f).is_file() for f in listed["files"]
    ):
        listing.unlink()
if not (RESULTS / "stac/catalog.json").is_file():
    (RESULTS / "stac.json").unlink(missing_ok=True)


# The folder is held until this process ends, however it ends: a killed run needs no --unlock.
onstart:
    lock = RESULTS / ".lock"
    try:
        RESULTS.mkdir(parents=True, exist_ok=True)
        lock.touch()
        hold(lock)
        with atomic_file(CONFIG) as beside:
            beside.write_text(SETTINGS.to_yaml())
    except Busy:
        raise WorkflowError(
            f"another run is at work in {RESULTS}; wait until it has ended, or give this one another name"
        )
    except OSError as error:
        raise WorkflowError(
            f"{RESULTS} cannot be written ({error.strerror}); mend that, or run where there is room"
        )


def section(*names):
    """Return as text the parts of the configuration that a step depends on, so that a change runs it again."""
    values = SETTINGS.model_dump(mode="json")
    picked = {}
    for name in names:
        value = values
        for part in name.split("."):
            value = None if value is None else value[part]
        picked[name] = value
    return str(picked)


def period(block):
    """Return the days of a block, so that a longer period leaves the blocks it already had."""
    return (
        [] if SETTINGS.diviner_tables.level == "gcp" else block_period(SETTINGS, block)
    )


def temperatures(*paths):
    """Return what makes a target of temperatures ask for them, or say that the configuration has none."""

    def wanted(wildcards):
        if not MAPS_TEMPERATURES:
            raise WorkflowError(
                f"configuration '{SETTINGS.name}' has only images; add 'region' and 'diviner' to map temperatures, or"
                " ask for 'optical' alone"
            )
        return list(paths)

    return wanted


@cache
def listings():
    """Return the digest of each block's tables in your own folder, which may change between two runs."""
    diviner = SETTINGS.diviner_tables
    return (
        listing_digests(SETTINGS, diviner.folder) if diviner.source == "local" else {}
    )


def nac_products():
    """Return the product ids of the images of the dark; a configuration without the optical room has none."""
    optical = SETTINGS.optical
    if optical is None:
        return []
    if optical.images.source == "synthetic":
        from nightside.synthetic.nac_plan import image_products

        return image_products(optical.synthetic, SETTINGS.seed)
    from nightside.optical.acquire import products

    try:
        found = products(SETTINGS, "images", optical.images.folder)
    except ConfigError as error:
        raise WorkflowError(str(error))
    if not found:
        raise WorkflowError(
            f"{optical.images.folder}: holds no NAC EDR (.IMG); put the images there, or name the right folder in"
            " 'optical.images.folder'"
        )
    return found


def nac_camera(product):
    """Return the camera of a product."""
    return "left" if product.endswith("LE") else "right"


def more_memory(mb):
    """Return megabytes for a job: after a failure, as of one that ran out of them, as many again."""
    return lambda wildcards, attempt: attempt * mb


def processes(training):
    """Return what a distributed training asks of Slurm: one task for each process; nothing for one alone."""
    devices = 1 if training.devices == "auto" else training.devices
    if devices * training.nodes == 1:
        return {}
    tasks = {"tasks_per_node": devices} if devices > 1 else {"tasks": training.nodes}
    return {"mpi": "srun", "nodes": training.nodes, **tasks}


def launch(training, threads):
    """Return what starts the processes of a distributed training (workflow/scripts/launch); nothing for one alone."""
    asked = processes(training)
    if not asked:
        return ""
    # Relative, so that a project that was moved as a whole is not trained again.
    script = relpath(Path(workflow.basedir) / "workflow/scripts/launch")
    return f"{script} {asked['nodes']} {asked.get('tasks_per_node', 1)} {threads}"


def repeated(option, paths):
    """Return an option of the command line once for each path."""
    return " ".join(f"{option} {path}" for path in paths)
