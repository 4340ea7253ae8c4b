# What CI runs, developers run. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
# A file's tests on one worker, so that what they share is made once.
PYTEST := $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder
RUNTIME := .venv/.runtime-installed
DEVELOP := .venv/.develop-installed

.PHONY: help run test test-fast test-postgres15 soak bench lint lint-fast sample lock clean

help: ## List the targets
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/  \1\t\2/' | expand -t 18

run: $(RUNTIME) ## Load the samples or your exports, build, test, publish, render
	@$(BIN)/casebook run

test: $(DEVELOP) ## Lint, types, dbt build, pytest, browser: everything CI runs
	@$(PYTHON) tests/system_packages.py
	@$(MAKE) --no-print-directory lint-fast
	@$(PYTEST)

test-fast: $(DEVELOP) ## Lint and the quick tests: no whole run, no browser, about a minute
	@$(MAKE) --no-print-directory lint-fast
	@$(PYTEST) -m "not slow and not browser"

bench: $(DEVELOP) ## Measure what a promise of speed is about, as ratios of one run
	@$(BIN)/python benchmarks/reader_joins.py

soak: $(DEVELOP) ## The long variants of the tests that have one: every mutant, every cell
	@$(PYTHON) tests/system_packages.py
	@CASEBOOK_SOAK=1 $(PYTEST) -m soak
	@$(MAKE) --no-print-directory test-postgres15

test-postgres15: $(DEVELOP) ## The tests on the system's PostgreSQL 15, over TLS, not the embedded one
	@$(PYTHON) tests/system_packages.py
	@CASEBOOK_TEST_SERVER=postgres15 $(PYTEST)

lint: lint-fast ## Check style, types, SQL and the project's conventions
	@$(BIN)/python tests/lint_dbt.py

lint-fast: $(DEVELOP)
	@$(BIN)/ruff check benchmarks orchestrate tests tools
	@$(BIN)/ruff format --check benchmarks orchestrate tests tools
	@$(BIN)/mypy

sample: $(DEVELOP) ## Re-create the sample exports byte for byte
	@$(BIN)/python -m tools.samples

lock: $(DEVELOP) ## Lock all dependencies with hashes, after a change in pyproject.toml
	@$(BIN)/uv pip compile pyproject.toml --group dev --universal --generate-hashes \
		--python-version 3.11 --no-emit-index-url --no-header -q -o requirements-dev.lock
	@$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes -c requirements-dev.lock \
		--python-version 3.11 --no-emit-index-url --no-header -q -o requirements.lock

clean: ## Stop the server and delete everything that was made
	@if [ -x $(BIN)/casebook ]; then $(BIN)/casebook db remove; fi
	@rm -rf .venv .casebook output target logs *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# The locks hold every package with its hash, so nothing is left to resolve: --no-deps.
$(RUNTIME): requirements.lock pyproject.toml
	@echo "Installing the locked dependencies into .venv …"
	@$(PYTHON) -c 'import sys; sys.exit("Casebook needs Python 3.11, 3.12 or 3.13, this is %d.%d; name another with make PYTHON=…" % sys.version_info[:2] if not (3, 11) <= sys.version_info[:2] <= (3, 13) else 0)'
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(DEVELOP): requirements-dev.lock $(RUNTIME)
	@echo "Installing the locked tools for tests into .venv …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@touch $@
