# `make train` and `make test` set everything up by themselves; `make help` lists the rest.
PYTHON ?= python3
VENV   ?= .venv
DATA   ?=
COUNT  ?= 1000000
KILLS  ?= 200

ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help train test check lint fuzz soak nanogpt derivatives twin bench docs pictures wheel check-wheel clean

help:           ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s%s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# The environment, in stages: each target installs what it needs, once per change of pyproject.toml.

$(VENV)/made.stamp:
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || \
	  { echo "Flux needs Python 3.11 or later: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/run.stamp: $(VENV)/made.stamp pyproject.toml
	$(PIP) -e .
	@touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp
	$(PIP) -e ".[test]"
	@touch $@

$(VENV)/dev.stamp: $(VENV)/test.stamp
	$(PIP) -e ".[dev]"
	@touch $@

$(VENV)/torch.stamp: $(VENV)/test.stamp
	$(PIP) torch
	@touch $@

$(VENV)/docs.stamp: $(VENV)/run.stamp
	$(PIP) -e ".[docs]"
	@touch $@

train: $(VENV)/run.stamp        ## train a small transformer on calculus, in under two minutes
	$(BIN)/flux train --preset calculus $(if $(DATA),--data "$(DATA)")

test: $(VENV)/test.stamp        ## run the tests
	$(BIN)/python -m pytest

lint: $(VENV)/dev.stamp         ## check format, style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check: lint test                ## everything that must hold before a commit: lint, then tests

fuzz: $(VENV)/test.stamp        ## fuzz the parser, the compiler and the solvers: COUNT=1000000
	$(BIN)/python -m tests.fuzz --count $(COUNT)

soak: export EXACT_BOUNDS = 1
soak: $(VENV)/test.stamp        ## memory over 100,000 rounds; KILLS=200 training runs killed; full disk, threads, large text
	$(BIN)/python -m pytest tests/reliability -m soak -n 0 -s
	$(BIN)/python -m pytest tests/reliability tests/syntax -n 0 -q
	$(BIN)/python -m tests.soak --kills $(KILLS)

nanogpt: $(VENV)/test.stamp     ## nanogpt-cpu on DATA=FILE with three seeds, beside nanoGPT's figure
	@test -n "$(DATA)" || { echo "a text is needed: make nanogpt DATA=tinyshakespeare.txt"; exit 1; }
	$(BIN)/python -m tests.proof.nanogpt --data "$(DATA)"

derivatives: $(VENV)/test.stamp ## calculus-long, in ten minutes: right and wrong derivatives by rule
	$(BIN)/python -m tests.proof.calculus

twin: $(VENV)/torch.stamp       ## small-b16 and medium beside PyTorch, step for step: DATA=FILE
	$(BIN)/python -m tests.proof.twin --preset small-b16 $(if $(DATA),--data "$(DATA)")
	$(BIN)/python -m tests.proof.twin --preset medium $(if $(DATA),--data "$(DATA)")

bench: $(VENV)/test.stamp       ## benchmarks, beside the peers that are installed
	$(BIN)/python -m pytest tests/bench -m bench -n 0 -s

docs: $(VENV)/docs.stamp        ## build the documentation into docs/_build
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build

pictures: $(VENV)/test.stamp    ## draw the documentation's pictures again
	$(BIN)/python docs/pictures.py

wheel: $(VENV)/run.stamp        ## build the wheel into dist/
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps -w dist .

check-wheel: wheel              ## install the wheel into an empty environment elsewhere, and train
	$(BIN)/python tests/install_wheel.py dist

clean:                          ## remove everything that was made, runs/ excepted
	rm -rf $(VENV) dist build docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
