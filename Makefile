# `make` alone says what there is. All of it runs from this source tree, in a virtual environment in .venv.
#
#   PYTHON=...              the interpreter to make .venv with, 3.10 to 3.12 (else the first suitable one on the PATH)
#   SECONDS= RATE= SEED=    of `make demo`
#   PYTEST_ARGS=...         more for pytest, as in `make test PYTEST_ARGS="-k commit"`
#   BENCH=quick             a short look instead of `make bench`; writes nothing
#   BENCH_ARGS=...          parts of it, as in `make bench BENCH_ARGS=throughput`; writes nothing either

SHELL := /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
UV ?= uv

# Said once more for the shell that runs the recipe: to bash SECONDS is a clock of its own.
DEMO_ENV = $(foreach name,SECONDS RATE SEED,$(if $($(name)),$(name)='$($(name))'))

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1@\2/p' Makefile | awk -F@ '{ printf "%-16s%s\n", $$1, $$2 }'

.PHONY: demo
demo: $(READY) ## watch the answer come about, on a private Redis with made-up traffic
	@$(DEMO_ENV) $(BIN)/python -m console.demo

.PHONY: test
test: $(READY) ## all tests, on private Redis servers
	$(BIN)/python -m pytest -n 2 $(PYTEST_ARGS)

.PHONY: chaos
chaos: $(READY) ## the kill tests, at full size
	CHAOS_SIZE=full $(BIN)/python -m pytest -n 2 tests/chaos tests/connectors/test_protocol_model.py --timeout=3600 $(PYTEST_ARGS)

.PHONY: bench
bench: $(READY) ## measure speed, memory and freshness; writes docs/performance.md
	@$(BIN)/python -m tests.bench $(if $(filter quick,$(BENCH)),--quick,$(if $(BENCH_ARGS),,--write)) $(BENCH_ARGS)

.PHONY: lint
lint: $(READY) ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: types
types: $(READY) ## types
	$(BIN)/mypy

.PHONY: docs
docs: $(READY) ## write docs/configuration.md, docs/action-guide.md and deploy/env anew from the code
	$(BIN)/python -m tests.support.configuration > docs/configuration.md.new
	mv docs/configuration.md.new docs/configuration.md
	$(BIN)/python -m console.guide > docs/action-guide.md.new
	mv docs/action-guide.md.new docs/action-guide.md
	$(BIN)/python -m tests.support.env_files

.PHONY: lock
lock: ## resolve the dependencies anew; needs uv
	$(UV) pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--custom-compile-command 'make lock' --output-file requirements.lock pyproject.toml
	$(UV) pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--custom-compile-command 'make lock' --constraint requirements.lock --extra dev \
		--output-file requirements-dev.lock pyproject.toml

.PHONY: clean
clean: ## remove what was made here
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Rebuilt whole when what it holds is no longer what is locked: a package that was dropped must not linger.
$(READY): requirements-dev.lock pyproject.toml flows/__init__.py
	@set -e; \
	fits() { "$$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 13))' 2>/dev/null; }; \
	found=; \
	for python in $(if $(PYTHON),'$(PYTHON)',python3 python3.12 python3.11 python3.10); do \
		if fits "$$python"; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "No $(if $(PYTHON),suitable Python at $(PYTHON),Python 3.10 to 3.12 with venv on the PATH): install one, or name it: make PYTHON=/path/to/python3.12" >&2; \
		exit 1; \
	fi; \
	echo "Setting up $(VENV) with $$("$$found" --version)"; \
	"$$found" -m venv --clear $(VENV)
	@$(PIP) install -qq --require-hashes --only-binary :all: -r requirements-dev.lock
	@$(PIP) install -qq --no-deps --no-build-isolation --editable .
	@$(PIP) check > $(READY).new || { cat $(READY).new >&2; exit 1; }
	@mv $(READY).new $(READY)
