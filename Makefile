# Each target first sets up .venv: when it is missing, when pyproject.toml is newer,
# when the folder has moved, or when PYTHON is another version.
PYTHON ?= python3
SEED ?= 1
FAULTS ?=  # or: 'storefront/*' --seeds 1 --clean 0; --resume
BENCH ?= all  # or: blueprint, rows, rows --rows 10000000

key := $(shell { pwd; $(PYTHON) -V; } 2>/dev/null | cksum | cut -d ' ' -f 1)
empty := .venv/made-$(key)
ready := .venv/ready-$(key)
ready_to_develop := .venv/ready-to-develop-$(key)
install := .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable

.PHONY: audit tour test faults lab lint bench setup clean

audit: $(ready)
	.venv/bin/dsaudit run parameters/sample.yml

tour: $(ready)
	.venv/bin/dsaudit tour --seed $(SEED)

test: $(ready_to_develop)
	.venv/bin/pytest -n 3 --dist loadgroup

faults: $(ready_to_develop)
	.venv/bin/python -m tests.faults $(FAULTS)

lab: $(ready)
	.venv/bin/jupyter labextension disable @jupyterlab/apputils-extension:announcements 2>/dev/null
	.venv/bin/jupyter lab --allow-root --ServerApp.root_dir=. notebooks/datasource/01_configuration.ipynb

lint: $(ready_to_develop)
	.venv/bin/ruff check && .venv/bin/ruff format --check
	.venv/bin/mypy
	find notebooks -name '*.ipynb' -not -path '*/.ipynb_checkpoints/*' -exec .venv/bin/nbstripout --verify --keep-id {} +

bench: $(ready_to_develop)
	$(install) '.[bench]'
	.venv/bin/python -m tests.benchmarks $(BENCH)

setup: $(ready_to_develop)

clean:
	rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache build *.egg-info
	find . -type d '(' -name __pycache__ -o -name .ipynb_checkpoints ')' -prune -exec rm -rf {} +

$(empty):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "'$(PYTHON)' is not Python 3.11 or newer. Install it, or name another: make PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "'$(PYTHON)' cannot make virtual environments. On Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo 'Setting up .venv: one to three minutes, about 700 MB.'
	@$(PYTHON) -m venv --clear .venv && touch $@

$(ready): $(empty) pyproject.toml
	$(install) '.[examples]'
	@touch $@

$(ready_to_develop): $(empty) pyproject.toml
	$(install) '.[test,lint]'
	@touch $(ready) $@
