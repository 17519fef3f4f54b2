# Diviner tables -> bins -> cube -> profiles -> autoencoder -> maps -> evaluation -> report.

THERMAL = RESULTS / "thermal"
TRUTH = SYNTHETIC / "truth.zarr.json" if SOURCE == "synthetic" else []
TRUTH_OPTION = f"--truth {SYNTHETIC / 'truth.zarr'}" if SOURCE == "synthetic" else ""
# A demonstration: the report of a real region has no place for it.
OSCILLATOR_PICTURE = (
    [RESULTS / "physics/oscillator.png"] if SOURCE == "synthetic" else []
)


# What a trained network depends on; how many processes load its data is not of it.
TRAINING = [
    f"thermal.training.{key}"
    for key in SETTINGS.thermal.training.model_dump()
    if key != "workers"
]


rule thermal_ingest:
    input:
        RESULTS / "inventory/{block}.json",
    output:
        THERMAL / "bins/{block}.zarr.json",
    log:
        LOGS / "thermal_ingest/{block}.log",
    conda:
        "../../envs/nightside.yaml"
    threads: 2
    resources:
        mem_mb=more_memory(3000 + int(1000 * BINS_GB)),
        runtime=12 * 60,
    params:
        config=CONFIG,
        store=lambda w: THERMAL / f"bins/{w.block}.zarr",
        depends=section(
            "region", "filter", "thermal.bins.local_time_bins", "diviner.level"
        ),
        period=lambda w: period(w.block),
        code_version=3,
    message:
        "bins of {wildcards.block}"
    shell:
        "nightside thermal ingest --config {params.config} --inventory {input} --out {params.store} 2> {log}"


rule thermal_cube:
    input:
        expand(THERMAL / "bins/{block}.zarr.json", block=BLOCKS),
    output:
        THERMAL / "cube.zarr.json",
    log:
        LOGS / "thermal_cube.log",
    conda:
        "../../envs/nightside.yaml"
    resources:
        mem_mb=more_memory(4000),
        runtime=120,
    params:
        config=CONFIG,
        bins=lambda w: " ".join(
            f"--bins {THERMAL}/bins/{block}.zarr" for block in BLOCKS
        ),
        store=THERMAL / "cube.zarr",
        code_version=3,
    message:
        "cube: mean, standard deviation and count of every cell and local time"
    shell:
        "nightside thermal cube --config {params.config} {params.bins} --out {params.store} 2> {log}"


rule thermal_profiles:
    input:
        THERMAL / "cube.zarr.json",
    output:
        THERMAL / "profiles.zarr.json",
    log:
        LOGS / "thermal_profiles.log",
    conda:
        "../../envs/nightside.yaml"
    threads: 2
    resources:
        mem_mb=more_memory(4000),
        runtime=120,
    params:
        config=CONFIG,
        cube=THERMAL / "cube.zarr",
        store=THERMAL / "profiles.zarr",
        depends=section("thermal.profiles"),
        code_version=4,
    message:
        "profiles: Gaussian processes over the lunar day"
    shell:
        "nightside thermal profiles --config {params.config} --cube {params.cube} --out {params.store} 2> {log}"


rule thermal_train:
    input:
        THERMAL / "profiles.zarr.json",
        THERMAL / "cube.zarr.json",
    output:
        THERMAL / "model/model.json",
    log:
        LOGS / "thermal_train.log",
    conda:
        "../../envs/nightside.yaml"
    threads: 2
    resources:
        **processes(SETTINGS.thermal.training),
        mem_mb=more_memory(8000),
        runtime=12 * 60,
    params:
        config=CONFIG,
        launch=lambda w, threads: launch(SETTINGS.thermal.training, threads),
        profiles=THERMAL / "profiles.zarr",
        cube=THERMAL / "cube.zarr",
        # Outside the declared outputs: Snakemake deletes those before a retry.
        checkpoints=RESULTS / "checkpoints/thermal",
        depends=section("seed", "thermal.vae", *TRAINING),
        code_version=9,
    message:
        "training the autoencoder"
    shell:
        "{params.launch} nightside thermal train --config {params.config} --profiles {params.profiles} --cube {params.cube}"
        " --out {output} --checkpoints {params.checkpoints} 2> {log}"


rule thermal_map:
    input:
        THERMAL / "profiles.zarr.json",
        model=THERMAL / "model/model.json",
    output:
        THERMAL / "maps.zarr.json",
    log:
        LOGS / "thermal_map.log",
    conda:
        "../../envs/nightside.yaml"
    threads: 2
    resources:
        mem_mb=more_memory(4000),
        runtime=120,
    params:
        config=CONFIG,
        profiles=THERMAL / "profiles.zarr",
        store=THERMAL / "maps.zarr",
        depends=section("thermal.maps"),
        code_version=6,
    message:
        "maps of latents and anomalies"
    shell:
        "nightside thermal map --config {params.config} --profiles {params.profiles} --model {input.model}"
        " --out {params.store} 2> {log}"


rule thermal_cog:
    input:
        THERMAL / "maps.zarr.json",
    output:
        THERMAL / "cog.json",
    log:
        LOGS / "thermal_cog.log",
    conda:
        "../../envs/nightside.yaml"
    resources:
        mem_mb=more_memory(4000),
        runtime=60,
    params:
        config=CONFIG,
        maps=THERMAL / "maps.zarr",
        folder=THERMAL / "cog",
        code_version=4,
    message:
        "GeoTIFFs of every map"
    shell:
        "nightside thermal cog --config {params.config} --maps {params.maps} --folder {params.folder} --out {output} 2> {log}"


rule thermal_evaluate:
    input:
        THERMAL / "maps.zarr.json",
        THERMAL / "profiles.zarr.json",
        RESULTS / "physics/inversion.zarr.json",
        TRUTH,
        model=THERMAL / "model/model.json",
    output:
        THERMAL / "evaluation.json",
    log:
        LOGS / "thermal_evaluate.log",
    conda:
        "../../envs/nightside.yaml"
    resources:
        mem_mb=more_memory(4000),
        runtime=60,
    params:
        config=CONFIG,
        maps=THERMAL / "maps.zarr",
        profiles=THERMAL / "profiles.zarr",
        inversion=RESULTS / "physics/inversion.zarr",
        truth=TRUTH_OPTION,
        figures=THERMAL / "figures",
        code_version=4,
    message:
        "evaluation and figures"
    shell:
        "nightside thermal evaluate --config {params.config} --maps {params.maps} --profiles {params.profiles}"
        " --model {input.model} --inversion {params.inversion} {params.truth} --figures {params.figures} --out {output} 2> {log}"


rule thermal_report:
    input:
        THERMAL / "evaluation.json",
        THERMAL / "cog.json",
        RESULTS / "physics/cog.json",
        OSCILLATOR_PICTURE,
    output:
        RESULTS / "report.html",
    log:
        LOGS / "thermal_report.log",
    conda:
        "../../envs/nightside.yaml"
    resources:
        mem_mb=more_memory(2000),
        runtime=30,
    params:
        config=CONFIG,
        results=RESULTS,
        oscillator=[f"--oscillator {p}" for p in OSCILLATOR_PICTURE],
        code_version=6,
    message:
        "report"
    shell:
        "nightside thermal report --config {params.config} --results {params.results} {params.oscillator} --out {output} 2> {log}"
