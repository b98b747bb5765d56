# `make train` and `make test` set everything up by themselves; `make help` lists the rest.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DATA   ?=
COUNT  ?= 1000000

.DEFAULT_GOAL := help
.PHONY: help train test check check-lint fuzz bench docs wheel clean

help:           ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

$(VENV)/run.stamp: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test]"
	@touch $@

$(VENV)/dev.stamp: $(VENV)/test.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $@

train: $(VENV)/run.stamp   ## train a small transformer on calculus (two minutes)
	$(BIN)/flux train --preset calculus $(if $(DATA),--data $(DATA))

test: $(VENV)/test.stamp   ## run the tests
	$(BIN)/python -m pytest

check-lint: $(VENV)/dev.stamp   ## format check, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check: check-lint   ## format check, lint, types, tests
	$(BIN)/python -m pytest

fuzz: $(VENV)/test.stamp   ## fuzz the parser and the compiler (COUNT=1000000)
	$(BIN)/python -m tests.fuzz --count $(COUNT)

bench: $(VENV)/test.stamp   ## benchmarks against the peers that are installed
	$(BIN)/python -m pytest tests/bench -m bench -n 0 -s

docs: $(VENV)/run.stamp    ## build the documentation into docs/_build
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[docs]"
	$(BIN)/sphinx-build -W -b html docs docs/_build

wheel: $(VENV)/run.stamp   ## build the wheel into dist/
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps -w dist .

clean:          ## remove everything that was made
	rm -rf $(VENV) dist build docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
