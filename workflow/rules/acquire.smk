# Tables: from the archive, from a folder of yours, or from the synthetic Moon.

SYNTHETIC = RESULTS / "synthetic"
SOURCE = SETTINGS.diviner.source if MAPS_TEMPERATURES else None
TABLES = (
    SYNTHETIC / "diviner"
    if SOURCE == "synthetic"
    else (MAPS_TEMPERATURES and SETTINGS.diviner.folder) or Path("data/diviner")
)


# What tables depend on; how politely they are fetched changes none of them.
DIVINER = ("diviner.source", "diviner.level", "diviner.start", "diviner.end")
FETCHED = ("diviner.archive_url", "diviner.select", "diviner.track_margin_deg")


rule synthetic_diviner:
    output:
        truth=SYNTHETIC / "truth.zarr.json",
        inventory=SYNTHETIC / "diviner.json",
    log:
        LOGS / "synthetic_diviner.log",
    conda:
        "../../envs/nightside.yaml"
    threads: 2
    resources:
        mem_mb=more_memory(4000),
        runtime=60,
    params:
        config=CONFIG,
        truth=SYNTHETIC / "truth.zarr",
        tables=SYNTHETIC / "diviner",
        depends=section("seed", "region", "synthetic", *DIVINER),
        code_version=3,
    message:
        "synthetic Moon: terrain, heat, orbits"
    shell:
        "nightside synthetic diviner --config {params.config} --tables {params.tables} --truth {params.truth}"
        " --inventory {output.inventory} 2> {log}"


rule acquire:
    input:
        SYNTHETIC / "diviner.json" if SOURCE == "synthetic" else [],
    output:
        RESULTS / "inventory/{block}.json",
    log:
        LOGS / "acquire/{block}.log",
    # Downloads are tried again. Of a copy it is as the profile says: not on one machine, where it would fail again; on a
    # cluster for a node that died or memory that ran out, as every rule (0 would forbid it).
    retries: 2 if SOURCE == "pds" else None
    conda:
        "../../envs/nightside.yaml"
    resources:
        mem_mb=more_memory(1000),
        runtime=24 * 60,
    params:
        config=CONFIG,
        folder=TABLES,
        listing=lambda w: listings().get(w.block, ""),
        depends=section("region", *DIVINER[:2], *FETCHED),
        period=lambda w: period(w.block),
        code_version=1,
    message:
        "tables of {wildcards.block}"
    shell:
        "nightside thermal acquire --config {params.config} --block {wildcards.block} --folder {params.folder}"
        " --out {output} 2> {log}"
