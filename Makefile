.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help demo test lint types imports check bench format lock clean

help: ## Show the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(READY): requirements.lock pyproject.toml sdk/python/pyproject.toml
	$(PYTHON) -m venv .venv
	# The lock names everything. --no-deps: pip before 23.3 resolves an extra to a release that came after it.
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . -e sdk/python
	touch $(READY)

demo: $(READY) ## Watch Momentum do its job on embedded defaults (DEMO="--once --json demo.json" ends by itself)
	$(BIN)/momentum demo $(DEMO)

test: $(READY) ## Run all tests, on SQLite and PostgreSQL, with a real server and a real browser
	$(BIN)/python -m pytest -n auto --dist loadscope $(TEST)

lint: $(READY) ## Check style, layout and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PYTHONPATH=sdk/python $(BIN)/lint-imports

types: $(READY) ## Check types, strictly
	$(BIN)/mypy assignment analysis dashboards experiment_server sdk/python/momentum_sdk

check: lint types test ## All of the above

bench: $(READY) ## Run the benchmarks
	$(BIN)/python -m benchmarks

format: $(READY) ## Format and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(READY) ## Resolve requirements.lock anew
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-annotate --no-header --upgrade --output-file requirements.lock

clean: ## Remove what the targets made
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache dist
