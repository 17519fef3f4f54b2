# Two commands: `make demo` and `make test`. Everything they need is installed into .venv.

PYTHON ?= python3
BIN := .venv/bin
CORES ?= all
# Processes that share out the test files, slow ones first (tests/conftest.py); each has one thread.
WORKERS ?= 2
# Which build of PyTorch: any, locked, or the address of an index (scripts/install).
TORCH ?= any
INSTALLED := .venv/installed

.PHONY: demo test check lock viewer clean

demo: $(INSTALLED)
	@scripts/demo $(CORES)

test: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakefmt --check Snakefile workflow/rules
	PATH="$(CURDIR)/$(BIN):$$PATH" snakemake --lint

$(INSTALLED): envs/requirements.lock envs/torch.lock scripts/install pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("nightside needs Python 3.11 or later, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo "installing into .venv (a few minutes, once)"
	$(PYTHON) -m venv .venv
	scripts/install $(BIN)/python $(TORCH)
	touch $@

# Write the lock anew from the newest versions that pyproject.toml allows.
lock:
	$(PYTHON) -m venv .venv.lock
	.venv.lock/bin/pip install --quiet uv
	PATH="$(CURDIR)/.venv.lock/bin:$$PATH" scripts/lock --upgrade
	rm -rf .venv.lock

# The web map's bundle, which is committed: only who changes its sources needs npm.
viewer:
	scripts/build_viewer

clean:
	rm -rf .venv results logs .snakemake
