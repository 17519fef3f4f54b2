# Images of the dark: EDRs to stores, darks, networks, denoised images, their mosaic, and what they are worth.

OPTICAL = RESULTS / "optical"
NAC_SYNTHETIC = OPTICAL / "synthetic"
NAC = SETTINGS.optical
NAC_IS_SYNTHETIC = NAC is not None and NAC.images.source == "synthetic"
NAC_SUMMING = (
    (NAC.synthetic.summing if NAC_IS_SYNTHETIC else NAC.images.summing) if NAC else 2
)
NAC_PRODUCTS = nac_products()
NAC_CAMERAS = sorted({nac_camera(product) for product in NAC_PRODUCTS})
NAC_FOLDER = (
    NAC_SYNTHETIC / "images"
    if NAC_IS_SYNTHETIC
    else (NAC and NAC.images.folder) or Path("data/nac")
)
NAC_DARKS = NAC_SYNTHETIC / "darks" if NAC_IS_SYNTHETIC else NAC_FOLDER
NAC_KERNELS = [NAC_SYNTHETIC / "kernels"] if NAC_IS_SYNTHETIC else []
NAC_TRAINED = OPTICAL / "photon"
NAC_TRAINS = NAC is not None and NAC.networks.photon.train
NAC_USES_TRAINED = NAC_TRAINS and NAC.networks.photon.use_trained
NAC_SCENES = (
    [] if NAC is None or NAC.networks.photon.scenes else [OPTICAL / "scenes.zarr"]
)


wildcard_constraints:
    product=r"M\d{9,10}[LR]E",
    camera="left|right",


rule synthetic_nac:
    output:
        NAC_SYNTHETIC / "inventory.json",
    log:
        LOGS / "synthetic_nac.log",
    conda:
        "../../envs/nightside.yaml"
    threads: 2
    resources:
        mem_mb=more_memory(4000),
        runtime=60,
    params:
        config=CONFIG,
        folder=NAC_SYNTHETIC,
        depends=section("seed", "optical.synthetic") if NAC_IS_SYNTHETIC else "",
        code_version=1,
    message:
        "synthetic NAC: ground in the dark, orbit, camera"
    shell:
        "nightside synthetic nac --config {params.config} --out-dir {params.folder} 2> {log}"


rule optical_acquire:
    input:
        NAC_SYNTHETIC / "inventory.json" if NAC_IS_SYNTHETIC else [],
    output:
        OPTICAL / "inventory_{what}.json",
    log:
        LOGS / "optical_acquire_{what}.log",
    wildcard_constraints:
        what="images|darks",
    retries: 2 if NAC and NAC.images.source == "pds" else None
    conda:
        "../../envs/nightside.yaml"
    resources:
        mem_mb=more_memory(1000),
        runtime=24 * 60,
    params:
        config=CONFIG,
        folder=lambda w: NAC_FOLDER if w.what == "images" else NAC_DARKS,
        depends=section("optical.images") if NAC else "",
        code_version=1,
    message:
        "NAC EDRs: {wildcards.what}"
    shell:
        "nightside optical acquire --config {params.config} --folder {params.folder} --what {wildcards.what}"
        " --out {output} 2> {log}"


rule optical_ingest:
    input:
        OPTICAL / "inventory_images.json",
    output:
        OPTICAL / "edr/{product}.zarr.json",
    log:
        LOGS / "optical_ingest/{product}.log",
    conda:
        "../../envs/nightside.yaml"
    resources:
        mem_mb=more_memory(3000),
        runtime=30,
    params:
        config=CONFIG,
        inventory=OPTICAL / "inventory_images.json",
        store=lambda w: OPTICAL / f"edr/{w.product}.zarr",
        depends=(
            section("optical.images.check_md5", "optical.images.keep_truncated")
            if NAC
            else ""
        ),
        code_version=3,
    message:
        "{wildcards.product}: EDR to Zarr"
    shell:
        "nightside optical ingest --config {params.config} --inventory {params.inventory}"
        " --product {wildcards.product} --out {params.store} 2> {log}"


rule optical_darks:
    input:
        NAC_SYNTHETIC / "inventory.json"
        if NAC_IS_SYNTHETIC
        else OPTICAL / "inventory_darks.json",
    output:
        store=OPTICAL / "darks_{camera}.zarr.json",
        figure=OPTICAL / "darks_{camera}.png",
    log:
        LOGS / "optical_darks_{camera}.log",
    conda:
        "../../envs/nightside.yaml"
    resources:
        mem_mb=more_memory(8000),
        runtime=120,
    params:
        config=CONFIG,
        folder=NAC_DARKS,
        summing=NAC_SUMMING,
        store=lambda w: OPTICAL / f"darks_{w.camera}.zarr",
        depends=section("optical.calibration") if NAC else "",
        code_version=3,
    message:
        "{wildcards.camera} camera: library of dark frames"
    shell:
        "nightside optical darks --config {params.config} --edr {params.folder} --camera {wildcards.camera}"
        " --summing {params.summing} --out {params.store} --figure {output.figure} 2> {log}"


rule optical_train_destripe:
    input:
        OPTICAL / "darks_{camera}.zarr.json",
    output:
        OPTICAL / "destripe_{camera}/model.json",
    log:
        LOGS / "optical_train_destripe_{camera}.log",
    conda:
        "../../envs/nightside.yaml"
    threads: 2
    resources:
        **(processes(SETTINGS.optical.networks) if NAC else {}),
        mem_mb=more_memory(8000),
        runtime=12 * 60,
    params:
        config=CONFIG,
        launch=lambda w, threads: launch(SETTINGS.optical.networks, threads),
        darks=lambda w: OPTICAL / f"darks_{w.camera}.zarr",
        model=lambda w: OPTICAL / f"destripe_{w.camera}",
        checkpoints=lambda w: OPTICAL / f"checkpoints/destripe_{w.camera}",
        depends=section("seed", "optical.networks.destripe") if NAC else "",
        code_version=2,
    message:
        "{wildcards.camera} camera: DestripeNet learns its noise"
    shell:
        "{params.launch} nightside optical train-destripe --config {params.config} --darks {params.darks} --model {params.model}"
        " --checkpoints {params.checkpoints} 2> {log}"


rule synthetic_scenes:
    output:
        OPTICAL / "scenes.zarr.json",
    log:
        LOGS / "synthetic_scenes.log",
    conda:
        "../../envs/nightside.yaml"
    resources:
        mem_mb=more_memory(4000),
        runtime=60,
    params:
        config=CONFIG,
        store=OPTICAL / "scenes.zarr",
        depends=section("seed"),
        code_version=1,
    message:
        "rendered scenes to learn from"
    shell:
        "nightside synthetic scenes --config {params.config} --count 16 --size 384 --out {params.store} 2> {log}"


rule optical_train_photon:
    input:
        [f"{store}.json" for store in NAC_SCENES],
    output:
        NAC_TRAINED / "model.json",
    log:
        LOGS / "optical_train_photon.log",
    conda:
        "../../envs/nightside.yaml"
    threads: 2
    resources:
        **(processes(SETTINGS.optical.networks) if NAC else {}),
        mem_mb=more_memory(8000),
        runtime=24 * 60,
    params:
        config=CONFIG,
        launch=lambda w, threads: launch(SETTINGS.optical.networks, threads),
        scenes=repeated("--scenes", NAC_SCENES),
        model=NAC_TRAINED,
        checkpoints=OPTICAL / "checkpoints/photon",
        depends=(
            section("seed", "optical.networks.photon", "optical.networks.precision")
            if NAC
            else ""
        ),
        code_version=2,
    message:
        "PhotonNet learns to see in the dark"
    shell:
        "{params.launch} nightside optical train-photon --config {params.config} {params.scenes} --model {params.model}"
        " --checkpoints {params.checkpoints} 2> {log}"


rule optical_calibrate:
    input:
        edr=OPTICAL / "edr/{product}.zarr.json",
        darks=lambda w: OPTICAL / f"darks_{nac_camera(w.product)}.zarr.json",
    output:
        OPTICAL / "standard/{product}.zarr.json",
    log:
        LOGS / "optical_calibrate/{product}.log",
    conda:
        "../../envs/nightside.yaml"
    resources:
        mem_mb=more_memory(4000),
        runtime=60,
    params:
        config=CONFIG,
        edr=lambda w: OPTICAL / f"edr/{w.product}.zarr",
        darks=lambda w: OPTICAL / f"darks_{nac_camera(w.product)}.zarr",
        store=lambda w: OPTICAL / f"standard/{w.product}.zarr",
        depends=section("optical.calibration") if NAC else "",
        code_version=3,
    message:
        "{wildcards.product}: standard calibration"
    shell:
        "nightside optical calibrate --config {params.config} --edr {params.edr} --darks {params.darks}"
        " --out {params.store} 2> {log}"


rule optical_denoise:
    input:
        edr=OPTICAL / "edr/{product}.zarr.json",
        darks=lambda w: OPTICAL / f"darks_{nac_camera(w.product)}.zarr.json",
        destripe=lambda w: OPTICAL / f"destripe_{nac_camera(w.product)}/model.json",
        photon=NAC_TRAINED / "model.json" if NAC_USES_TRAINED else [],
    output:
        OPTICAL / "denoised/{product}.zarr.json",
    log:
        LOGS / "optical_denoise/{product}.log",
    conda:
        "../../envs/nightside.yaml"
    threads: 2
    resources:
        mem_mb=more_memory(4000),
        runtime=4 * 60,
    params:
        config=CONFIG,
        edr=lambda w: OPTICAL / f"edr/{w.product}.zarr",
        darks=lambda w: OPTICAL / f"darks_{nac_camera(w.product)}.zarr",
        destripe=lambda w: OPTICAL / f"destripe_{nac_camera(w.product)}",
        photon=f"--photon {NAC_TRAINED}" if NAC_USES_TRAINED else "",
        store=lambda w: OPTICAL / f"denoised/{w.product}.zarr",
        depends=(
            section(
                "optical.noise",
                "optical.calibration",
                "optical.networks.photon.weights",
            )
            if NAC
            else ""
        ),
        code_version=5,
    message:
        "{wildcards.product}: denoise"
    shell:
        "nightside optical denoise --config {params.config} --edr {params.edr} --darks {params.darks}"
        " --destripe {params.destripe} {params.photon} --out {params.store} 2> {log}"


rule optical_project:
    input:
        OPTICAL / "denoised/{product}.zarr.json",
    output:
        OPTICAL / "projected/{product}.zarr.json",
    log:
        LOGS / "optical_project/{product}.log",
    conda:
        "../../envs/nightside.yaml"
    threads: 2
    resources:
        mem_mb=more_memory(4000),
        runtime=4 * 60,
    params:
        config=CONFIG,
        image=lambda w: OPTICAL / f"denoised/{w.product}.zarr",
        kernels=repeated("--kernels", NAC_KERNELS),
        store=lambda w: OPTICAL / f"projected/{w.product}.zarr",
        depends=section("optical.geometry", "optical.mosaic") if NAC else "",
        code_version=2,
    message:
        "{wildcards.product}: on a map of its own"
    shell:
        "nightside optical project --config {params.config} --image {params.image} {params.kernels}"
        " --out {params.store} 2> {log}"


rule optical_mosaic:
    input:
        expand(OPTICAL / "denoised/{product}.zarr.json", product=NAC_PRODUCTS),
    output:
        OPTICAL / "mosaic.zarr.json",
    log:
        LOGS / "optical_mosaic.log",
    conda:
        "../../envs/nightside.yaml"
    threads: 2
    resources:
        mem_mb=more_memory(4000),
        runtime=4 * 60,
    params:
        config=CONFIG,
        images=repeated(
            "--images", [OPTICAL / f"denoised/{p}.zarr" for p in NAC_PRODUCTS]
        ),
        kernels=repeated("--kernels", NAC_KERNELS),
        store=OPTICAL / "mosaic.zarr",
        depends=section("optical.geometry", "optical.mosaic") if NAC else "",
        code_version=4,
    message:
        "mosaic"
    shell:
        "nightside optical mosaic --config {params.config} {params.images} {params.kernels} --out {params.store}"
        " 2> {log}"


rule optical_mosaic_standard:
    input:
        expand(
            OPTICAL / "{kind}/{product}.zarr.json",
            kind=["denoised", "standard"],
            product=NAC_PRODUCTS,
        ),
    output:
        OPTICAL / "mosaic_standard.zarr.json",
    log:
        LOGS / "optical_mosaic_standard.log",
    conda:
        "../../envs/nightside.yaml"
    threads: 2
    resources:
        mem_mb=more_memory(4000),
        runtime=4 * 60,
    params:
        config=CONFIG,
        images=repeated(
            "--images", [OPTICAL / f"denoised/{p}.zarr" for p in NAC_PRODUCTS]
        ),
        standard=repeated(
            "--standard", [OPTICAL / f"standard/{p}.zarr" for p in NAC_PRODUCTS]
        ),
        kernels=repeated("--kernels", NAC_KERNELS),
        store=OPTICAL / "mosaic_standard.zarr",
        depends=section("optical.geometry", "optical.mosaic") if NAC else "",
        code_version=3,
    message:
        "mosaic of the standard calibration, to compare"
    shell:
        "nightside optical mosaic --config {params.config} {params.images} {params.standard} {params.kernels}"
        " --out {params.store} 2> {log}"


rule optical_cog:
    input:
        OPTICAL / "mosaic{variant}.zarr.json",
    output:
        OPTICAL / "cog{variant}.json",
    log:
        LOGS / "optical_cog{variant}.log",
    wildcard_constraints:
        variant="|_standard",
    conda:
        "../../envs/nightside.yaml"
    resources:
        mem_mb=more_memory(2000),
        runtime=60,
    params:
        mosaic=lambda w: OPTICAL / f"mosaic{w.variant}.zarr",
        folder=lambda w: OPTICAL / f"cog{w.variant}",
        code_version=2,
    message:
        "GeoTIFFs of the mosaic{wildcards.variant}"
    shell:
        "nightside optical cog --mosaic {params.mosaic} --folder {params.folder} --out {output} 2> {log}"


rule optical_evaluate:
    input:
        expand(
            OPTICAL / "{kind}/{product}.zarr.json",
            kind=["denoised", "standard"],
            product=NAC_PRODUCTS,
        ),
        OPTICAL / "mosaic.zarr.json",
    output:
        OPTICAL / "evaluation.json",
    log:
        LOGS / "optical_evaluate.log",
    conda:
        "../../envs/nightside.yaml"
    resources:
        mem_mb=more_memory(4000),
        runtime=60,
    params:
        stores=" ".join(
            f"--truth {NAC_SYNTHETIC}/truth/{p}.zarr --denoised {OPTICAL}/denoised/{p}.zarr"
            f" --standard {OPTICAL}/standard/{p}.zarr"
            for p in NAC_PRODUCTS
        ),
        mosaic=OPTICAL / "mosaic.zarr",
        ground=NAC_SYNTHETIC / "truth/ground.zarr",
        config=CONFIG,
        kernels=repeated("--kernels", NAC_KERNELS),
        code_version=3,
    message:
        "denoised images beside the truth"
    shell:
        "nightside optical evaluate {params.stores} --mosaic {params.mosaic} --ground {params.ground}"
        " --config {params.config} {params.kernels} --out {output} 2> {log}"


rule optical_report:
    input:
        expand(
            OPTICAL / "{kind}/{product}.zarr.json",
            kind=["denoised", "standard"],
            product=NAC_PRODUCTS,
        ),
        OPTICAL / "cog.json",
        OPTICAL / "evaluation.json" if NAC_IS_SYNTHETIC else [],
        NAC_TRAINED / "model.json" if NAC_TRAINS else [],
    output:
        OPTICAL / "report.html",
    log:
        LOGS / "optical_report.log",
    conda:
        "../../envs/nightside.yaml"
    resources:
        mem_mb=more_memory(4000),
        runtime=60,
    params:
        config=CONFIG,
        stores=" ".join(
            f"--denoised {OPTICAL}/denoised/{p}.zarr --standard {OPTICAL}/standard/{p}.zarr"
            for p in NAC_PRODUCTS
        ),
        mosaic=OPTICAL / "mosaic.zarr",
        known=(
            f"--evaluation {OPTICAL}/evaluation.json "
            + repeated(
                "--truth", [f"{NAC_SYNTHETIC}/truth/{p}.zarr" for p in NAC_PRODUCTS]
            )
            if NAC_IS_SYNTHETIC
            else ""
        ),
        code_version=2,
    message:
        "report of the images of the dark"
    shell:
        "nightside optical report --config {params.config} {params.stores} --mosaic {params.mosaic}"
        " {params.known} --out {output} 2> {log}"
