# Two commands matter: `make demo` and `make test`. Each makes the environment when it is missing.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# Modules are compiled once, not by each of the processes that the tests start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test tests spark check quick soak lint types kernels servers bench-detection fix clean

# What is imported is compiled then; compiling all that is installed takes as long as installing it.
# The pip that an older Python brings takes twice as long; where no newer one is to be had, it will do.
$(VENV)/.base: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	-$(PIP) install --no-compile --quiet --upgrade pip
	$(PIP) install --no-compile --quiet -e .
	touch $@

$(VENV)/.dev: $(VENV)/.base
	$(PIP) install --no-compile --quiet -e '.[dev]'
	touch $@

# Each worker of the tests would compile what they import for itself.
$(VENV)/.imported: $(VENV)/.dev
	$(BIN)/python -m pytest --collect-only --quiet >/dev/null || true
	touch $@

demo: $(VENV)/.base  ## simulate a week, find the campaigns, print the alerts
	$(BIN)/revenuer demo --out out/demo

test:  ## lint, types and the tests; how long, and what is left out: docs/testing.md
	$(MAKE) -j 4 servers kernels types lint $(VENV)/.imported
	$(MAKE) tests

tests: $(VENV)/.dev
	$(BIN)/python -m pytest -n 3 --dist loadfile

soak: $(VENV)/.dev servers  ## the tests that take minutes each; their last result: docs/testing.md
	$(BIN)/python -m pytest -m soak

spark: $(VENV)/.dev  ## Spark into the environment, and the tests that start it; needs Java 17
	$(PIP) install --no-compile --quiet -e '.[dev,spark]'
	$(BIN)/python -m pytest tests/service/test_spark.py

check: lint types  ## ruff with all rules and mypy strict

quick: $(VENV)/.dev  ## the fast part of the tests
	$(BIN)/python -m pytest -m 'not slow and not soak'

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

kernels: $(VENV)/.base  ## compile the kernels ahead; from the checkout, while the environment is still being filled
	PYTHONPATH=. $(BIN)/python tests/run/kernels.py

servers:  ## what some tests need from Debian: Prometheus, Alertmanager, Chromium; never fails
	-@.ci/packages

bench-detection: $(VENV)/.dev  ## Revenuer beside its peers; WORLD_DEV=DIR adds a labelled world of your own
	$(BIN)/python -m benchmarks.detection

fix: $(VENV)/.dev  ## format and apply safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) out
