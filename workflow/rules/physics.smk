# Physics beside the maps: the inversion of every cell, and, on their own, what networks learn of it.

PHYSICS = RESULTS / "physics"
OSCILLATOR = Path("results/oscillator")
COLUMN = Path("results/column")


rule physics_invert:
    input:
        THERMAL / "cube.zarr.json",
    output:
        PHYSICS / "inversion.zarr.json",
    log:
        LOGS / "physics_invert.log",
    conda:
        "../../envs/nightside.yaml"
    threads: 2
    resources:
        mem_mb=more_memory(4000),
        runtime=120,
    params:
        config=CONFIG,
        cube=THERMAL / "cube.zarr",
        store=PHYSICS / "inversion.zarr",
        depends=section("physics.inversion"),
        code_version=7,
    message:
        "inversion: albedo, H and onset of every cell, with their errors"
    shell:
        "nightside physics invert --config {params.config} --cube {params.cube} --out {params.store} 2> {log}"


rule physics_cog:
    input:
        PHYSICS / "inversion.zarr.json",
    output:
        PHYSICS / "cog.json",
    log:
        LOGS / "physics_cog.log",
    conda:
        "../../envs/nightside.yaml"
    resources:
        mem_mb=more_memory(4000),
        runtime=60,
    params:
        config=CONFIG,
        inversion=PHYSICS / "inversion.zarr",
        folder=PHYSICS / "cog",
        code_version=4,
    message:
        "GeoTIFFs of the inversion"
    shell:
        "nightside physics cog --config {params.config} --inversion {params.inversion} --folder {params.folder}"
        " --out {output} 2> {log}"


# The same two networks in seconds, for the report.
rule physics_oscillator_quick:
    output:
        table=PHYSICS / "oscillator.json",
        figure=PHYSICS / "oscillator.png",
    log:
        LOGS / "physics_oscillator.log",
    conda:
        "../../envs/nightside.yaml"
    resources:
        mem_mb=more_memory(2000),
        runtime=10,
    params:
        folder=PHYSICS,
        code_version=1,
    message:
        "two networks learn the damped oscillator, one with its equation"
    shell:
        "nightside physics oscillator --quick --out-dir {params.folder} 2> {log}"


# About five minutes on two cores: it trains a dozen networks the slow way, as the article does.
rule physics_oscillator:
    output:
        table=OSCILLATOR / "oscillator.json",
        figures=[
            OSCILLATOR / name
            for name in ("oscillator.png", "oscillator.gif", "past_the_article.png")
        ],
    log:
        OSCILLATOR / "oscillator.log",
    conda:
        "../../envs/nightside.yaml"
    threads: 2
    resources:
        mem_mb=more_memory(2000),
        runtime=60,
    params:
        folder=OSCILLATOR,
        code_version=1,
    message:
        "a network learns the damped oscillator: the article, and what goes past it"
    shell:
        "nightside physics oscillator --out-dir {params.folder} 2> {log}"


# About five minutes on two cores.
rule physics_column:
    output:
        table=COLUMN / "column.json",
        figure=COLUMN / "column.png",
    log:
        COLUMN / "column.log",
    conda:
        "../../envs/nightside.yaml"
    threads: 2
    resources:
        mem_mb=more_memory(4000),
        runtime=60,
    params:
        folder=COLUMN,
        code_version=3,
    message:
        "networks solve and invert a column of regolith, beside the solver"
    shell:
        "nightside physics column --out-dir {params.folder} 2> {log}"
