# Two commands do all the set-up, on a machine with Python >= 3.11 and make:
#   make demo   find the campaigns hidden in simulated traffic
#   make test   run every check and every test
# Choose an interpreter with `make test PYTHON=python3.12`.

CANDIDATES := python3 python3.13 python3.12 python3.11
SUPPORTED := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in $(CANDIDATES); do if $$p -c '$(SUPPORTED)' 2>/dev/null; then echo $$p; break; fi; done)
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help demo test lint types layers unit docs clean

help:
	@sed -n '1,/^$$/s/^# \{0,1\}//p' Makefile

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python >= 3.11 with venv was found: install one, or name it with PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Stamps: a second run installs nothing unless the requirements changed.
$(VENV)/.base: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[dev,spark]'
	@touch $@ $(VENV)/.base

demo: $(VENV)/.base
	$(BIN)/stillwatch demo --out demo

test: lint types layers unit

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev
	$(BIN)/mypy

layers: $(VENV)/.dev
	$(BIN)/lint-imports

unit: $(VENV)/.dev
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

# Write docs/cli.md anew from the commands' own help.
docs: $(VENV)/.base
	$(BIN)/python -m stillwatch.cli.reference > docs/cli.md

clean:
	rm -rf $(VENV) demo build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
