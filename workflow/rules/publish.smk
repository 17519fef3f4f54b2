# What a run made, for others: a STAC catalogue of every product.


rule publish_stac:
    input:
        (
            [THERMAL / "cog.json", PHYSICS / "cog.json", RESULTS / "report.html"]
            if MAPS_TEMPERATURES
            else []
        ),
        (
            [
                OPTICAL / "cog.json",
                OPTICAL / "cog_standard.json",
                OPTICAL / "report.html",
                expand(
                    OPTICAL / "{kind}/{product}.zarr.json",
                    kind=["edr", "denoised", "standard"],
                    product=NAC_PRODUCTS,
                ),
            ]
            if NAC
            else []
        ),
    output:
        RESULTS / "stac.json",
    log:
        LOGS / "publish_stac.log",
    conda:
        "../../envs/nightside.yaml"
    resources:
        mem_mb=more_memory(4000),
        runtime=60,
    params:
        config=CONFIG,
        results=RESULTS,
        code_version=2,
    message:
        "catalogue of every product"
    shell:
        "nightside publish stac --config {params.config} --results {params.results} --out {output} 2> {log}"
