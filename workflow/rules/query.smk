# What lets results be asked where no folder can be listed: the index of all stores.


rule results_index:
    input:
        (
            [
                THERMAL / "cube.zarr.json",
                THERMAL / "profiles.zarr.json",
                THERMAL / "maps.zarr.json",
                PHYSICS / "inversion.zarr.json",
            ]
            if MAPS_TEMPERATURES
            else []
        ),
        (
            [OPTICAL / "mosaic.zarr.json", OPTICAL / "mosaic_standard.zarr.json"]
            if NAC
            else []
        ),
        expand(
            OPTICAL / "{kind}/{product}.zarr.json",
            kind=["denoised", "standard"],
            product=NAC_PRODUCTS,
        ),
    output:
        RESULTS / "zarr.json",
    log:
        LOGS / "results_index.log",
    conda:
        "../../envs/nightside.yaml"
    resources:
        mem_mb=more_memory(1000),
        runtime=10,
    params:
        results=RESULTS,
        code_version=2,
    message:
        "index of all stores"
    shell:
        "nightside index {params.results} > {log} 2>&1"
