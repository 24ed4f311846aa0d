# Two commands matter: `make demo` and `make test`. Each makes the environment when it is missing.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO_SERVE ?= 1
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test quick lint types fix docs bench clean

$(VENV)/.base: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet -e .
	touch $@

$(VENV)/.dev: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet -e '.[dev]'
	touch $@ $(VENV)/.base

demo: $(VENV)/.base  ## simulate a week, find the campaigns, print the alerts
	DEMO_SERVE=$(DEMO_SERVE) $(BIN)/revenuer demo

test: $(VENV)/.dev lint types  ## everything
	$(BIN)/python -m pytest

quick: $(VENV)/.dev  ## the fast part of the tests
	$(BIN)/python -m pytest -m 'not slow'

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

fix: $(VENV)/.dev  ## format and apply safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.dev  ## write the generated tables again
	$(BIN)/python -m docs.generate

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/replay.py

clean:
	rm -rf $(VENV) out
