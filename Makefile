# Needs Python 3.11+ and make; everything else is installed into .venv from hashed locks.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Most tests wait more than they work; each worker has a broker and a database of its own.
WORKERS ?= 2
PACKAGES := libs/aduan services/intake services/routing services/sla services/sync-laporgub \
	services/notify simulators standalone
CODE := $(addsuffix /src,$(PACKAGES)) $(wildcard examples/*/src) tests tools \
	deploy/docker
# pip checks hashes of downloads only; the local packages are built from this tree
PIP := $(BIN)/python -m pip --disable-pip-version-check

# alone, before the others: a stack and two workers beside it would starve each other
CONTAINER_TESTS := ADUAN_REQUIRE_SERVERS= $(BIN)/python -m pytest tests/containers
# compose with the engine and the images that .engine/env names, where `make standins` has made some
COMPOSE := PYTHON=$(abspath $(BIN)/python) deploy/standins/compose.sh

.PHONY: help install demo test containers lint format types prove mutants boards bench faults servers \
	cluster stop clean lock env images standins compose-up compose-smoke \
	compose-stop compose-down

help: ## show these verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.dev ## make .venv with everything for running, testing and checking

demo: $(VENV)/.runtime ## run all five services with samples and a cast; ARGS="--until-settled --exit"
	@$(BIN)/aduan demo $(ARGS)

test: $(VENV)/.dev ## run every test this machine can; the end says what did not run; ARGS=... WORKERS=2
ifeq ($(ARGS),)
	@outcome=$$(mktemp); failed=0; trap 'rm -f "$$outcome"' EXIT; export ADUAN_CONTAINERS_OUTCOME=$$outcome; \
	$(CONTAINER_TESTS) || failed=$$?; \
	$(BIN)/python -m pytest -n $(WORKERS) --max-worker-restart 0 --dist loadfile --no-loadscope-reorder \
		--ignore=tests/containers || failed=$$?; \
	exit $$failed
else
	@$(BIN)/python -m pytest -n $(WORKERS) --max-worker-restart 0 --dist loadfile --no-loadscope-reorder \
		--ignore=tests/containers $(ARGS)
endif

containers: $(VENV)/.dev ## run the tests of images and compose alone; needs an engine and `make images`
	@$(CONTAINER_TESTS) $(ARGS)

lint: $(VENV)/.dev ## ruff, format, strict types, import rules, generated files current
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory types
	@$(BIN)/lint-imports
	@$(BIN)/python -m aduan.contracts.generate --check
	@$(BIN)/python -m aduan_standalone.metrics_page --check
	@$(BIN)/hadolint deploy/docker/Dockerfile deploy/standins/*/Dockerfile

format: $(VENV)/.dev ## let ruff sort imports and lay out the code
	@$(BIN)/ruff check --select I --fix .
	@$(BIN)/ruff format .

types: $(VENV)/.dev ## mypy --strict over everything
	@$(BIN)/mypy $(CODE)

prove: $(VENV)/.dev ## show that a service runs from its own wheels alone; service=intake
	@$(BIN)/python tools/prove.py $(or $(service),all)

mutants: $(VENV)/.dev ## break the code on purpose, patch by patch; each must turn its test red
	@$(BIN)/python tools/mutants.py $(ARGS)

boards: $(VENV)/.dev ## write the JSON of Grafana's dashboards anew
	@$(BIN)/python -m tools.dashboards

bench: $(VENV)/.dev ## measure ratios to a bare reference; keeps docs/benchmarks.md; ENGINE=kafka: real servers
	@$(BIN)/python -m tests.load$(if $(filter kafka,$(ENGINE)),.engine).bench $(ARGS)

faults: $(VENV)/.dev ## the whole of the kill, disk and schedule tests (hours); ENGINE=kafka SEED=n
ifeq ($(ENGINE),kafka)
	@ENGINE=kafka ADUAN_SEED=$(or $(SEED),1) $(BIN)/python -m pytest -s tests/faults/test_engine_faults.py $(ARGS)
else
	@ADUAN_KILLS_AT_EACH=20 ADUAN_RANDOM_KILLS=200 ADUAN_COMPLAINTS=10000 ADUAN_SCHEDULES=20000 \
		$(BIN)/python -m pytest -s tests/faults $(ARGS)
endif

servers: $(VENV)/.dev ## run Kafka and MongoDB on fixed ports until Ctrl-C, fetched once; for developers
	@$(BIN)/python tests/servers/dev.py foreground

cluster: $(VENV)/.dev ## run two replicas of each service on a Kafka and a MongoDB, fed with samples
	@$(BIN)/python tests/servers/cluster.py $(ARGS)

env: $(VENV)/.runtime ## make .env for compose with fresh secrets; one that is there keeps its own
	@$(BIN)/aduan env $(ARGS)

standins: $(VENV)/.dev ## where no image can be pulled: start an engine (root, Debian) and build local images
	@deploy/standins/engine.sh start
	@PYTHON=$(abspath $(BIN)/python) deploy/standins/make.sh

images: $(VENV)/.runtime ## build our own images; service=intake
	@$(BIN)/aduan env
	@$(COMPOSE) --profile '*' build $(service) $(ARGS)

compose-up: $(VENV)/.runtime ## start the stack of docker-compose.yml and return when all are healthy
	@$(BIN)/aduan env
	@$(COMPOSE) up --detach --wait $(ARGS)

compose-smoke: $(VENV)/.dev ## send complaints through the running stack until they are answered
	@$(BIN)/python tools/compose_smoke.py $(ARGS)

compose-stop: $(VENV)/.runtime ## stop the stack and keep its data; compose-up starts it again
	@$(COMPOSE) --profile '*' stop $(ARGS)

compose-down: $(VENV)/.runtime ## stop the stack and DROP ALL ITS DATA, every complaint in it
	@$(COMPOSE) --profile '*' down --volumes --remove-orphans $(ARGS)

stop: ## stop the instances that this checkout started
	@if [ -x $(BIN)/aduan ]; then $(BIN)/aduan stop $(ARGS); else echo "nothing is installed here"; fi

clean: ## remove .venv, caches and build results (never a data folder)
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -path ./.engine -prune -o -name __pycache__ -prune -exec rm -rf {} +

lock: $(VENV)/.dev ## renew requirements/*.lock; run with the oldest supported Python (3.11)
	@$(BIN)/python tools/lock.py

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.lock $(addsuffix /pyproject.toml,$(PACKAGES)) | $(VENV)/bin/python
	@$(PIP) install --quiet --require-hashes -r requirements/runtime.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --no-index $(addprefix -e ./,$(PACKAGES))
	@touch $@

$(VENV)/.dev: requirements/dev.lock requirements/statistics.lock $(VENV)/.runtime
	@$(PIP) install --quiet --require-hashes -r requirements/statistics.lock
	@$(PIP) install --quiet --require-hashes -r requirements/dev.lock
	@touch $@
