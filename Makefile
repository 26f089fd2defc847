# Everything runs in .venv, which `setup` makes from the pinned requirements.txt.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
BIN := .venv/bin

.PHONY: setup demo browser screenshot test simulate crash-points e2e lint bench bench-e2e synth clean

setup: .venv/installed

.venv/installed: requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "spiderpool-aws needs Python >= 3.11: none was found on the path"; exit 1; }
	@$(PYTHON) -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' || \
		{ echo "spiderpool-aws needs Python >= 3.11: PYTHON=$(PYTHON) is older or does not run"; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: setup
	@mkdir -p build
	$(BIN)/spiderpool-aws demo --map build/map.html

# A Chromium for the tests of the map, which are skipped where there is none. It comes from Debian, and only for root.
CHROMIUM = $(firstword $(foreach name,chromium chromium-browser google-chrome,$(shell command -v $(name))))
browser:
	@if [ -n "$(CHROMIUM)" ]; then echo "The browser: $(CHROMIUM)"; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null; \
	else echo "no Chromium is on the path: install one, or the tests of the map in a browser are skipped"; fi

# The picture in the README, made anew: the map of `--demo`, with a node that drifts opened.
screenshot: setup browser
	@mkdir -p build docs/images
	$(BIN)/spiderpool-aws map --demo build/map.html
	$(BIN)/python -m tests.integration.cli.screenshot build/map.html docs/images/map.png

test: setup
	$(BIN)/python -m pytest

# Random steps and faults on the local stack, the invariants judged after each; prints a script when one is broken.
STEPS ?= 10000
SEED ?= 1
simulate: setup
	PYTHONHASHSEED=0 $(BIN)/python -m tests.simulation --steps $(STEPS) --seed $(SEED)

# The worker is stopped before and after each single call of each scenario: prints how many points, and what ends badly.
crash-points: setup
	PYTHONHASHSEED=0 $(BIN)/python -m tests.simulation.crash_points

# Builds kube-apiserver and etcd first (once, five minutes); with KUBECONFIG and E2E_ALLOW it takes that cluster instead.
e2e: setup
	@test -n "$$KUBECONFIG" || $(BIN)/python -m tests.e2e.build
	$(BIN)/python -m pytest -rs tests/e2e

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Prints the rows of the tables of docs/benchmarks.md; PARTS="bursts costs" runs some of its parts.
PARTS ?=
bench: setup
	$(BIN)/python -m tests.bench $(PARTS)

bench-e2e: setup
	$(BIN)/python -m tests.e2e.build
	$(BIN)/python -m tests.e2e.bench

# The templates, offline: no credentials, no Docker. With npm by the pinned CDK CLI, without it by app.py alone.
TEMPLATES := build/cdk.out
synth: setup $(if $(shell command -v npm),node_modules/.installed)
	@rm -rf $(TEMPLATES)
	@if [ -e node_modules/.installed ]; then \
		PYTHON=$(BIN)/python CDK_DISABLE_CLI_TELEMETRY=true \
			node_modules/.bin/cdk synth --quiet --no-notices --output $(TEMPLATES); \
	else CDK_OUTDIR=$(TEMPLATES) $(BIN)/python app.py; fi
	@echo "The templates:" && ls $(TEMPLATES)/*.template.json

node_modules/.installed: package.json package-lock.json
	npm ci --silent --no-audit --no-fund
	@touch $@

clean:
	rm -rf .venv build node_modules *.egg-info
