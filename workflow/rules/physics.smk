# Physics beside the maps; nothing here is part of the default target.

OSCILLATOR = Path("results/oscillator")
COLUMN = Path("results/column")


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
        mem_mb=2000,
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
        mem_mb=4000,
        runtime=60,
    params:
        folder=COLUMN,
        code_version=1,
    message:
        "networks solve and invert a column of regolith, beside the solver"
    shell:
        "nightside physics column --out-dir {params.folder} 2> {log}"
