# Every target sets up what it needs: a virtual environment in .venv, with the versions of constraints.txt.
PYTHON ?= python3.11
BIN := .venv/bin

.PHONY: help demo busy-day test thorough check conformance serve bench torture schema lint types clean

help:
	@echo 'make demo     a retailer with two shops, synced and served (PORT=8000, DATA=file.csv.gz)'
	@echo 'make busy-day 2,000 sales everywhere at once while channels break, and what came of it (SALES=2000, SEED=1)'
	@echo 'make test     the tests, on SQLite and PostgreSQL'
	@echo 'make thorough the tests that make test has no time for: both together are all of them'
	@echo 'make check    lint, types, import rules, tests'
	@echo 'make serve    the gateway of gateway.toml (CONFIG=gateway.toml)'
	@echo 'make schema   prints the GraphQL schema and the JSON Schemas of the channels into schema/'
	@echo 'make conformance  the suites of others: GraphQL clients, compilers, rules, documents at random'
	@echo 'make bench    measures, and prints figures with their ratio to the plain thing'
	@echo 'make torture  the tests again, longer and at random'

.venv/ready: pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo '$(PYTHON) is not on the path; give another 3.11 or later: make PYTHON=python3.12 …' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[postgres,mariadb,redis,dev]'
	@touch $@

# The suites that others have written, and the mobile client, for Node. Where its packages cannot be had their tests are
# skipped by name.
SUITES := tests/conformance/node_modules/ready examples/mobile/node_modules/ready

$(SUITES): %/node_modules/ready: %/package-lock.json
	@npm ci --prefix $* --silent --no-audit --no-fund && touch $@ || echo 'npm gets no packages' >&2

demo: .venv/ready
	@$(BIN)/python -m examples.demo

busy-day: .venv/ready
	@$(BIN)/python -m examples.demo busy-day --sales $(or $(SALES),2000) --seed $(or $(SEED),1)

# The tests' databases and servers are thrown away: where there is room for them, they live in memory. Bytecode is kept,
# whatever the environment says, because the tests start many processes.
TESTED = @room=$$(df -Pm /dev/shm 2>/dev/null | awk 'NR == 2 { print $$4 }'); \
	if [ "$${room:-0}" -ge 2000 ]; then scratch=$$(mktemp -d -p /dev/shm); else scratch=$$(mktemp -d); fi; \
	trap 'rm -rf "$$scratch"' EXIT; \
	TMPDIR="$$scratch" PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest tests -n 4 --basetemp="$$scratch/tests"

test: .venv/ready
	$(TESTED)

thorough: export THOROUGH = 1
thorough: .venv/ready $(if $(shell command -v npm),$(SUITES))
	$(TESTED)

check: lint types test

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready
	$(BIN)/mypy

serve: .venv/ready
	$(BIN)/gateway serve --config $(or $(CONFIG),gateway.toml)

schema: .venv/ready
	$(BIN)/gateway schema > schema/gateway.graphql

# Every suite in full, some ten minutes. The board in README.md is written anew.
conformance: .venv/ready $(SUITES)
	$(BIN)/python -m tests.conformance

bench: .venv/ready
	$(BIN)/python -m tests.bench

torture: .venv/ready
	TORTURE=1 $(BIN)/python -m pytest tests

clean:
	rm -rf .venv .demo .pytest_cache .mypy_cache .ruff_cache
