# Two commands matter: `make demo` and `make test`. Each makes the environment when it is missing.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test check quick lint types servers bench-detection fix clean

$(VENV)/.base: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet -e .
	touch $@

$(VENV)/.dev: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet -e '.[dev]'
	touch $@ $(VENV)/.base

demo: $(VENV)/.base  ## simulate a week, find the campaigns, print the alerts
	$(BIN)/revenuer demo --out out/demo

test: lint types servers  ## lint, types and all tests
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: lint types  ## ruff with all rules and mypy strict

quick: $(VENV)/.dev  ## the fast part of the tests
	$(BIN)/python -m pytest -m 'not slow'

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

servers:  ## what some tests need from Debian: Prometheus, Alertmanager, Chromium; never fails
	-@.ci/packages

bench-detection: $(VENV)/.dev  ## Revenuer beside its peers; WORLD_DEV=DIR adds a labelled world of your own
	$(BIN)/python -m benchmarks.detection

fix: $(VENV)/.dev  ## format and apply safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) out
