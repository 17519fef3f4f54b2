# nightside: snakemake --configfile config/demo.yaml (the default), tycho.yaml, global.yaml, south_pole.yaml
# Any area of interest by name: --configfile config/tycho.yaml --config area="King Crater"
from snakemake.utils import min_version

min_version("9.0")

if not workflow.overwrite_configfiles:

    configfile: "config/demo.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/acquire.smk"
include: "workflow/rules/thermal.smk"
include: "workflow/rules/physics.smk"
include: "workflow/rules/optical.smk"
include: "workflow/rules/publish.smk"
include: "workflow/rules/query.smk"


rule all:
    default_target: True
    input:
        RESULTS / "report.html" if MAPS_TEMPERATURES else [],
        [OPTICAL / "report.html", OPTICAL / "cog_standard.json"] if NAC else [],
        RESULTS / "stac.json",
        RESULTS / "zarr.json",


rule tables:
    input:
        temperatures(*expand(RESULTS / "inventory/{block}.json", block=BLOCKS)),


rule maps:
    input:
        [RESULTS / "thermal/cog.json", RESULTS / "physics/cog.json"]
        if MAPS_TEMPERATURES
        else [],
        [OPTICAL / "cog.json", OPTICAL / "cog_standard.json"] if NAC else [],


rule publish:
    input:
        RESULTS / "stac.json",


rule optical:
    input:
        OPTICAL / "report.html",
        OPTICAL / "cog.json",
        OPTICAL / "cog_standard.json",


rule projected:
    input:
        expand(OPTICAL / "projected/{product}.zarr.json", product=NAC_PRODUCTS),


rule oscillator:
    input:
        OSCILLATOR / "oscillator.json",


rule column:
    input:
        COLUMN / "column.json",
