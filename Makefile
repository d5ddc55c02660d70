# The two commands are `make build` and `make test`; both work on a bare machine with Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A user-wide pip setting that names a folder of wheels must not bring in other versions than the lock's.
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# A lock is complete, so that nothing is looked up. Modules are compiled ahead, on all cores: where PYTHONDONTWRITEBYTECODE is
# set, every process would compile them anew.
PIP_LOCK := --quiet --require-hashes --no-deps --no-compile
COMPILE_MODULES := -m compileall -q -q -j 0
.DEFAULT_GOAL := help

.PHONY: help
help: ## Show the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is older than Python 3.11; give a newer one: make PYTHON=python3.12 build" >&2; exit 1; }
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install $(PIP_LOCK) -r requirements.lock
	-$(BIN)/python $(COMPILE_MODULES) $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

# The extras that few need: prefecture outlines (77 MB), DuckDB's PostgreSQL extension and a compiler (200 MB).
$(VENV)/map $(VENV)/postgresql $(VENV)/large: $(VENV)/%: requirements-%.lock $(VENV)/installed
	$(BIN)/python -m pip install $(PIP_LOCK) -r $<
	-$(BIN)/python $(COMPILE_MODULES) $(VENV)
	@touch $@

.PHONY: install
install: $(VENV)/installed ## Create the environment from the lock

.PHONY: build
build: $(VENV)/installed ## Run dbt build and publish: STUDY=DIR, YEARBOOKS=DIR, SUPPLEMENTARY=DIR, PANEL=FILE are your own
	$(BIN)/city-policy build $(if $(STUDY),--study "$(STUDY)") $(if $(PANEL),--panel "$(PANEL)") $(if $(YEARBOOKS),--yearbooks "$(YEARBOOKS)") $(if $(SUPPLEMENTARY),--supplementary "$(SUPPLEMENTARY)")

.PHONY: publish
publish: $(VENV)/installed $(VENV)/postgresql ## Copy a publication, of STUDY=DIR or the paper, to PostgreSQL: TARGET=postgresql://user:password@host/database
	@$(BIN)/city-policy publish $(if $(STUDY),--study "$(STUDY)") --target "$$TARGET"

.PHONY: report
report: $(VENV)/map ## Write the report after a build, of your own study with STUDY=DIR: one page, and LaTeX, Word and Excel
	$(BIN)/city-policy report $(if $(STUDY),--study "$(STUDY)")

# Superset needs older versions of what the project itself uses, hence an environment of its own.
.venv-superset/installed: bi/superset/requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' || { echo "make: Superset needs Python 3.11 or 3.12; give one: make PYTHON=python3.12 superset" >&2; exit 1; }
	test -d .venv-superset || $(PYTHON) -m venv .venv-superset
	.venv-superset/bin/python -m pip install $(PIP_LOCK) -r $<
	-.venv-superset/bin/python $(COMPILE_MODULES) .venv-superset
	@touch $@

.PHONY: superset
superset: .venv-superset/installed ## Serve the dashboard on localhost, from the published file (of your own study with STUDY=DIR) or TARGET=postgresql://…
	@bi/superset/serve .venv-superset/bin

# dbt on Spark needs versions of its own; DuckDB counts here too, so that both count alike.
.venv-micro/installed: micro/requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is older than Python 3.11; give a newer one: make PYTHON=python3.12 micro" >&2; exit 1; }
	test -d .venv-micro || $(PYTHON) -m venv .venv-micro
	.venv-micro/bin/python -m pip install $(PIP_LOCK) -r $<
	-.venv-micro/bin/python $(COMPILE_MODULES) .venv-micro
	@touch $@

.PHONY: micro
micro: .venv-micro/installed ## Count firms and patents by city for SUPPLEMENTARY: FIRMS=DIR, PATENTS=DIR, PANEL=DIR are yours, MAPPING=FILE says how to read them, CLASSIFICATIONS=DIR holds your lists, ENGINE=spark counts on Spark
	@.venv-micro/bin/python micro/count.py --mapping "$(or $(MAPPING),mapping.csv)" $(if $(FIRMS),--firms "$(FIRMS)") $(if $(PATENTS),--patents "$(PATENTS)") $(if $(PANEL),--panel "$(PANEL)") $(if $(CLASSIFICATIONS),--classifications "$(CLASSIFICATIONS)") $(if $(ENGINE),--target "$(ENGINE)")

# pip shares no environment with another pip, so the extras come one after the other.
.PHONY: extras environments
extras:
	@for extra in map postgresql large; do $(MAKE) --no-print-directory $(VENV)/$$extra || exit 1; done
environments:
	$(MAKE) --no-print-directory --jobs 2 .venv-micro/installed extras

.PHONY: style-sql style-python
style-sql:
	$(BIN)/sqlfluff lint models tests analysis --processes 2 --disable-progress-bar
	$(BIN)/dbt parse --quiet
	$(BIN)/dbt-bouncer run
style-python:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.PHONY: test
test: environments ## Check style and types and run all tests
	$(MAKE) --no-print-directory --jobs 2 --output-sync style-sql style-python
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: bench
bench: $(VENV)/installed $(VENV)/large ## Time as ratios, after a build: YEARBOOKS=DIR reads your own editions, ROWS=N goes up to N simulated rows
	$(BIN)/python bench/bench.py $(if $(YEARBOOKS),--yearbooks "$(YEARBOOKS)") $(if $(ROWS),--rows $(ROWS))

.PHONY: montecarlo
montecarlo: $(VENV)/installed ## Bias, coverage and power on simulated panels: SCENARIO=NAME, REPLICATIONS=N
	$(BIN)/city-policy montecarlo $(if $(SCENARIO),--scenario $(SCENARIO)) $(if $(REPLICATIONS),--replications $(REPLICATIONS))

.PHONY: docs
docs: $(VENV)/installed ## Build the dbt documentation site in target/
	$(BIN)/dbt docs generate --static

.PHONY: questions
questions: $(VENV)/installed ## Answer the queries of analysis/ in docs/questions.md, from the last build
	$(BIN)/city-policy questions

COMPILE := uv pip compile --universal --no-strip-extras --python-version 3.11 --generate-hashes --quiet --no-header
.PHONY: lock
lock: ## Renew the locks (needs uv)
	$(COMPILE) pyproject.toml --extra test --output-file requirements.lock
	for extra in map postgresql large; do \
		sed -n "s/^$$extra = \[\"\(.*\)\"\]$$/\1/p" pyproject.toml | sed 's/", "/\n/g' | $(COMPILE) --no-deps - --output-file requirements-$$extra.lock; \
	done
	$(COMPILE) bi/superset/requirements.in --output-file bi/superset/requirements.lock
	$(COMPILE) micro/requirements.in --output-file micro/requirements.lock
	sed -i '1i # Made by `make lock`: exact versions with hashes, for Python 3.11.' bi/superset/requirements.lock micro/requirements.lock
	sed -i '1i # Made by `make lock` from pyproject.toml: exact versions with hashes, for every Python from 3.11 on.' requirements*.lock

.PHONY: clean
clean: ## Remove what builds leave behind, but not the data
	rm -rf target logs .pytest_cache .hypothesis .ruff_cache .mypy_cache
