# `make` lists the targets. Two environments: Spark 3.5 (A) in .venv, Spark 4.1 (B) in .venv-spark41; each is made when
# first needed and made anew when its requirements change.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
VENV41 := .venv-spark41
# The first command that really runs: a pyenv shim may be there for a version that is not.
runs = $(shell for p in $(1); do "$$p" -c '' >/dev/null 2>&1 && { echo "$$p"; break; }; done)
PYTHON ?= $(call runs,python3.11 "$$HOME"/.pyenv/versions/3.11.*/bin/python3.11)
PYTHON41 ?= $(call runs,python3.13 "$$HOME"/.pyenv/versions/3.13.*/bin/python3.13 python3.11)
PYTEST_ARGS ?=
TWO_AT_ONCE := -n 2 --dist worksteal
TYPED := $(wildcard src jobs/*.py tests benchmarks/*.py benchmarks/correctness/*.py requirements/*.py data/samples/*/*.py conftest.py)
GUARDED := src jobs tests configs

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(VENV)/.installed ## Make the environment for Spark 3.5 and get Java and the jars ready
	@$(VENV)/bin/python -m lakehouse.runtime.jars

.PHONY: demo
demo: setup ## Run a change feed into current and history tables, on this machine
	@$(VENV)/bin/python data/samples/cdc_to_warehouse/demo.py

.PHONY: test
test: test-spark35 test-spark41 ## Run every test on both Sparks

.PHONY: test-spark35
test-spark35: setup ## Run every test on Spark 3.5
	@$(VENV)/bin/python -m lakehouse.runtime.jars --feature core --feature deequ
	$(VENV)/bin/python -m pytest -m "not exhaustive" $(PYTEST_ARGS)

.PHONY: test-spark41
test-spark41: $(VENV41)/.installed ## Run every test on Spark 4.1 (needs Java 17)
	@$(VENV41)/bin/python -m lakehouse.runtime.jars
	$(VENV41)/bin/python -m pytest -m "not exhaustive" $(PYTEST_ARGS)

.PHONY: test-live
test-live: setup ## Run the tests against a real PostgreSQL and Debezium (installs them on Debian as root)
	@tests/live/install.sh
	$(VENV)/bin/python -m pytest $(PYTEST_ARGS) tests/live

.PHONY: test-faults
test-faults: setup ## Run the job while it fails, is killed, and meets faults of storage: the daily share
	@tests/faults/install.sh
	$(VENV)/bin/python -m pytest $(TWO_AT_ONCE) $(PYTEST_ARGS) -m "not exhaustive" tests/faults

.PHONY: test-faults-all
test-faults-all: setup ## Run all of it, which takes hours; FAULTS_SEED repeats a run
	@tests/faults/install.sh
	$(VENV)/bin/python -m pytest $(TWO_AT_ONCE) $(PYTEST_ARGS) tests/faults

.PHONY: test-browser
test-browser: $(VENV)/.installed ## Open the report pages in headless Chromium (installs it on Debian as root)
	@tests/browser/install.sh
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements/browser.txt
	$(VENV)/bin/python -m pytest $(PYTEST_ARGS) tests/browser

.PHONY: check
check: $(VENV)/.installed ## Check format, lint, types, layers, secrets and the rules of the house
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy $(TYPED)
	$(VENV)/bin/lint-imports --no-logo
	$(VENV)/bin/bandit -q -ll -r $(GUARDED) 2> >(grep -v 'but no failed test' >&2) # it warns of each part of a marked line
	git ls-files -z --cached --others --exclude-standard -- $(GUARDED) requirements \
		| xargs -0 $(VENV)/bin/detect-secrets-hook --no-verify --baseline .secrets.baseline
	$(VENV)/bin/python -m pytest -q tests/house

.PHONY: fmt
fmt: $(VENV)/.installed ## Format the code and mend what the linter can
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

.PHONY: wheel
wheel: $(VENV)/.installed ## Build the wheel into dist/
	$(VENV)/bin/python -m build --wheel --no-isolation

.PHONY: sbom
sbom: $(VENV)/.installed $(VENV41)/.installed ## Write into dist/ what the wheel runs with on each Spark (CycloneDX)
	$(VENV)/bin/python requirements/bill.py dist
	$(VENV41)/bin/python requirements/bill.py dist

.PHONY: audit
audit: $(VENV)/.installed ## Ask for known vulnerabilities of what is pinned (needs a network)
	$(VENV)/bin/pip-audit --strict --no-deps --disable-pip -r requirements/spark35.txt
	$(VENV)/bin/pip-audit --strict --no-deps --disable-pip -r requirements/spark41.txt
	$(VENV)/bin/pip-audit --strict --no-deps --disable-pip -r requirements/browser.txt

.PHONY: bench
bench: setup ## Measure merges, transforms and rulesets, each against something else
	$(VENV)/bin/python benchmarks/merge.py
	$(VENV)/bin/python benchmarks/transforms.py
	$(VENV)/bin/python benchmarks/quality.py

.PHONY: battery
battery: setup ## Run the correctness battery against ours and the textbook statements
	$(VENV)/bin/python benchmarks/correctness

.PHONY: clean
clean: ## Remove what was built and cached here, but not the environments
	rm -rf build dist warehouse spark-warehouse metastore_db derby.log .cache .mypy_cache .ruff_cache .pytest_cache \
		.hypothesis .import_linter_cache
	find src tests jobs benchmarks data -name __pycache__ -type d -prune -exec rm -rf {} +

# $(1) folder, $(2) requirements, $(3) the python to make it with, $(4) what to install when there is none
define environment
$(1)/.made: $(2)
	@test -n "$(3)" || { echo "$(4) is needed: install it, or name one by $(5)=..." >&2; exit 1; }
	$(3) -m venv --clear $(1)
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $(2)
	@touch $$@

$(1)/.installed: $(1)/.made pyproject.toml
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $$@
endef
$(eval $(call environment,$(VENV),requirements/spark35.txt,$(PYTHON),Python 3.11,PYTHON))
$(eval $(call environment,$(VENV41),requirements/spark41.txt,$(PYTHON41),Python 3.13 or 3.11,PYTHON41))
