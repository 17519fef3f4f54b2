# Physics beside the maps: the inversion of every cell.

PHYSICS = RESULTS / "physics"


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
        mem_mb=4000,
        runtime=120,
    params:
        config=CONFIG,
        cube=THERMAL / "cube.zarr",
        store=PHYSICS / "inversion.zarr",
        depends=section("physics.inversion"),
        code_version=1,
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
        mem_mb=4000,
        runtime=60,
    params:
        config=CONFIG,
        inversion=PHYSICS / "inversion.zarr",
        folder=PHYSICS / "cog",
        code_version=1,
    message:
        "GeoTIFFs of the inversion"
    shell:
        "nightside physics cog --config {params.config} --inversion {params.inversion} --folder {params.folder}"
        " --out {output} 2> {log}"
