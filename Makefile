# Everything from a fresh clone:   make demo   or   make test

# A Python that runs, not merely one that is on the PATH: version managers leave names there that only print an error.
USABLE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
ifndef PYTHON
PYTHON := $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c '$(USABLE)' 2>/dev/null && { echo $$python; exit; }; done; echo python3)
endif
UV ?= uv
BIN := .venv/bin

.PHONY: help demo demo-report test lint bench bench-text bench-language bench-match bench-flagging bench-stance bench-archive bench-duplicates bench-feeds bench-politeness bench-faults bench-outlets airflow lock clean python floors
.NOTPARALLEL:
.DELETE_ON_ERROR:

help:
	@echo 'make demo    crawl, match and show sample outlets, on this machine only'
	@echo 'make demo-report   invent nine weeks and write the weekly report of the last one'
	@echo 'make test    lint, types and all tests, against an Elasticsearch of their own; ARGS="-k name" for some'
	@echo 'make lint    lint and types only'
	@echo 'make bench     DATA=DIR: text, language, matching, flagging and stance on evaluation data, beside named baselines; odd feeds'
	@echo 'make bench-archive DATA=DIR   new cards looked for among articles matched before; needs Elasticsearch, takes minutes'
	@echo 'make bench-politeness   what servers on loopback see of our pace and back-off; needs Elasticsearch, takes minutes'
	@echo 'make bench-faults DATA=DIR   every fault a site can have, one by one and all at once; needs Elasticsearch, takes minutes'
	@echo 'make bench-outlets   one run over 1,000 outlets on loopback: time, memory, open files; needs Elasticsearch'
	@echo 'make floors    DATA=DIR: measure, and raise the floors that tests hold quality to; never lowers one unasked'
	@echo 'make airflow install Airflow, for `narrawatch up --airflow`; make test does, too'
	@echo 'make lock    choose dependencies anew: requirements.lock, requirements-airflow.lock'
	@echo 'make clean   remove what was installed or generated here; data in var/ stays'
	@echo 'Needs Python 3.11 or newer (PYTHON=...), a JDK 21 or newer and Maven; with ELASTICSEARCH_URL set only Python.'

demo: python
	@$(PYTHON) -m index_config.node_prerequisites
	@$(MAKE) --no-print-directory .venv/installed
	@$(BIN)/narrawatch demo

demo-report: python
	@$(PYTHON) -m index_config.node_prerequisites
	@$(MAKE) --no-print-directory .venv/installed
	@$(BIN)/narrawatch demo-report

test: python
	@$(PYTHON) -m index_config.node_prerequisites --own-node
	@$(MAKE) --no-print-directory lint airflow
	@$(BIN)/python -m index_config.local_node
	@$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

airflow: .venv/installed .venv/airflow

DATA ?= ../shared/data

bench: bench-text bench-language bench-match bench-flagging bench-stance bench-duplicates bench-feeds

bench-text: .venv/installed
	@$(BIN)/python benchmarks/text.py --data $(DATA)/articles

bench-language: .venv/installed
	@$(BIN)/python benchmarks/language.py --data $(DATA)

bench-match: .venv/installed
	@$(BIN)/python benchmarks/match.py --data $(DATA)

bench-flagging: .venv/installed
	@$(BIN)/python benchmarks/flagging.py --data $(DATA)

bench-stance: .venv/installed
	@$(BIN)/python benchmarks/stance.py --data $(DATA)

# card by card what a new one finds among articles matched before; takes minutes
bench-archive: .venv/installed
	@$(BIN)/python benchmarks/archive.py --data $(DATA)

bench-duplicates: .venv/installed
	@$(BIN)/python benchmarks/duplicates.py --data $(DATA)

bench-feeds: .venv/installed
	@$(BIN)/python benchmarks/feeds.py --data $(DATA)/feeds

bench-politeness: .venv/installed
	@$(BIN)/python benchmarks/politeness.py

bench-faults: .venv/installed
	@$(BIN)/python benchmarks/faults.py --data $(DATA)

# ARGS="--check" only compares; ARGS='--lower "text f1" --reason "why"' for one that may fall
floors: .venv/installed
	@$(BIN)/python benchmarks/floors.py --data $(DATA) $(ARGS)

bench-outlets: .venv/installed
	@$(BIN)/python benchmarks/many_outlets.py

lint: .venv/installed
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

python:
	@$(PYTHON) -c '$(USABLE)' 2>/dev/null || { echo >&2 'Python 3.11 or newer with its venv module is missing ($(PYTHON) is not one);' \
	'install it (Debian, Ubuntu: python3 and python3-venv) or name one: make PYTHON=/path/to/python3.12'; exit 1; }

# setuptools first: some dependencies are built from source, with it and not with one that nobody checked.
.venv/locked: requirements.lock | python
	@echo 'Installing the locked dependencies into .venv'
	@$(PYTHON) -m venv --clear .venv
	@sed -n '/^setuptools==/,/[^\\]$$/p' requirements.lock > .venv/setuptools.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r .venv/setuptools.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --no-build-isolation -r requirements.lock
	@touch $@

.venv/installed: .venv/locked pyproject.toml
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

# The same versions as in requirements.lock, and Airflow's beside them.
.venv/airflow: requirements-airflow.lock .venv/locked
	@echo 'Installing Airflow into .venv'
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --no-build-isolation -r requirements-airflow.lock
	@touch $@

lock:
	$(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--custom-compile-command 'make lock' --extra dev --quiet pyproject.toml -o requirements.lock
	$(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--custom-compile-command 'make lock' --extra dev --extra airflow --quiet pyproject.toml -c requirements.lock -o requirements-airflow.lock
	echo setuptools | $(UV) pip compile --universal --python-version 3.12 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-annotate --custom-compile-command 'make lock' --constraint requirements.lock --quiet pyproject.toml - -o deploy/requirements.lock

clean:
	rm -rf .venv build *.egg-info .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
