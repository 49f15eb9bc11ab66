SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
# The tests start hundreds of processes, and each would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
# The longest first, so that the last ones to end are short. A folder of a part may be a part of its own.
PARTS := e2e integration integration/gateway semantics unit browser chaos e2e/cluster simulation integration/executor \
	access isolation contract fuzz model histories sdk conformance
JOBS ?= 4
PACKAGES := $(subst /,.,$(patsubst %/,%,$(sort $(foreach folder,$(wildcard libs/*/ services/*/),\
	$(patsubst $(folder)%,%,$(wildcard $(folder)signoff/*/))))))
PYTHON = $(shell for python in python3 python3.13 python3.12 python3.11; do \
	if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$python; break; fi; done)

.PHONY: help
help:  ## show this
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 22

.PHONY: run
run: .venv/runtime  ## start Signoff on this machine with its examples; needs only Python
	@exec $(BIN)/signoff serve --examples

.PHONY: cluster
cluster: .venv/runtime  ## start Kafka, PostgreSQL and two of each service behind one address
	@deploy/local/requirements postgresql haproxy default-jre-headless maven
	$(BIN)/python deploy/local/cluster up

.PHONY: cluster-down
cluster-down:  ## stop what `make cluster` started; the data stay
	@$(PYTHON) deploy/local/cluster down

.PHONY: test
test: .venv/dev  ## run all tests but the soak, on a real PostgreSQL and a real Kafka
	@deploy/local/requirements postgresql haproxy chromium faketime default-jre-headless maven curl jq openssl sqlite3 xxd \
		-- chromium-headless-shell
	$(BIN)/python deploy/local/cluster fetch
	# Four parts at a time: most of them wait for servers, and for time, more than they compute.
	results=$$(mktemp -d)
	trap 'rm -rf $$results' EXIT
	begun=$$SECONDS
	printf '%s\n' $(PARTS) | PARTS="$(PARTS)" RESULTS=$$results xargs -P $(JOBS) -n 1 deploy/local/part || true
	printf '\n'
	for part in $(PARTS); do cat $$results/$${part//\//-}.summary; done
	printf '%-20s %2d:%02d min\n' 'in all' $$(((SECONDS - begun) / 60)) $$(((SECONDS - begun) % 60))
	if compgen -G "$$results/*.failed" >/dev/null; then
		echo "Failed: $$(cd $$results; echo *.failed | sed 's/\.failed//g')"
		exit 1
	fi

.PHONY: soak
soak: .venv/dev  ## run the tests that take hours
	@deploy/local/requirements postgresql haproxy faketime default-jre-headless maven
	$(BIN)/pytest -m soak tests
	$(BIN)/pytest -m 'not soak' --hypothesis-profile=soak --timeout=600 tests/unit/engine

.PHONY: mutants
mutants: .venv/dev  ## break each mechanism on purpose and see its test fail; one alone: ONLY=writers-lock
	@deploy/local/requirements git postgresql
	PYTHONPATH=tests:deploy/local $(BIN)/python -m mutants $(ONLY)

.PHONY: guarantees
guarantees: .venv/dev  ## write docs/guarantees.md from what is tested
	@PYTHONPATH=tests:deploy/local $(BIN)/python -m mutants --docs

.PHONY: bench
bench: .venv/dev  ## measure, embedded and as a cluster
	@deploy/local/requirements postgresql haproxy default-jre-headless maven
	$(BIN)/python -m benchmarks

.PHONY: lint
lint: .venv/dev  ## check style, format and who imports whom
	@failed=0
	$(BIN)/ruff check . || failed=1
	$(BIN)/ruff format --check . || failed=1
	$(BIN)/lint-imports || failed=1
	exit $$failed

.PHONY: types
types: .venv/dev  ## check types
	@MYPYPATH=deploy/local:tests $(BIN)/mypy $(addprefix -p ,$(PACKAGES) local_services support semantics browser model mutants histories simulation chaos $(if $(wildcard benchmarks/__main__.py),benchmarks))

.PHONY: clean
clean: cluster-down  ## remove what make made, but not the data in .cluster and .data
	@rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/runtime: pyproject.toml constraints.txt
	@if [ -z '$(PYTHON)' ]; then
		echo 'Signoff needs Python 3.11 or newer: install it, or name it: make PYTHON=/path/to/python3' >&2
		exit 1
	fi
	if [ ! -x $(BIN)/pip ] && ! $(PYTHON) -m venv --clear .venv; then
		rm -rf .venv
		echo 'Python could not make a virtual environment; on Debian: sudo apt-get install python3-venv' >&2
		exit 1
	fi
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	touch $@

.venv/dev: .venv/runtime
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt pip  # knows of --group
	$(BIN)/pip install --quiet --constraint constraints.txt --group dev
	touch $@
