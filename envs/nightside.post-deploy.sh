#!/bin/sh
# nightside itself, from the repository, into the environment that nightside.yaml made. Snakemake runs it in its folder.
set -eu
if ! grep -qs '^name = "nightside"' pyproject.toml; then
    echo "nightside.post-deploy.sh: run it, or Snakemake, in the folder of nightside's repository" >&2
    exit 1
fi
python -m pip install --quiet --no-deps --no-build-isolation -e .
