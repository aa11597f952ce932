# Two commands for a newcomer: `make demo` and `make test`. Both set up what they need first.
.PHONY: help setup demo quick test check lint format types floors licences hashes bench dist clean
.DEFAULT_GOAL := help
# tests/conftest.py puts first what takes longest, and tests/support/scheduling.py says which files share a process.
PYTEST := pytest -n auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder
export PATH := $(CURDIR)/.venv/bin:$(PATH)

help: ## show these commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: ## build the environment in .venv (idempotent)
	@.ci/setup

demo: setup ## evaluate the nano pair, score it and build the board in site/public/
	@retention demo

quick: setup ## run the tests that need no engine, training or browser (2 to 3 minutes)
	@$(PYTEST) -m "not engine and not browser and not slow"

test: ## run the whole test suite
	@.ci/setup --browser
	@$(PYTEST)

check: lint types floors licences test ## everything CI runs

lint: setup ## lint and format check
	@ruff check . && ruff format --check .

format: setup ## format the code and mend what the linter can
	@ruff format . && ruff check --fix .

types: setup ## strict types of harness/ and leaderboard/
	@mypy

floors: setup ## import floors of the design
	@lint-imports

licences: setup ## check the licences of the frozen packages; their list (SBOM, CycloneDX) goes to dist/sbom.json
	@mkdir -p dist && python .ci/sbom.py dist/sbom.json

hashes: setup ## look up the hashes of the versions in .ci/requirements-*.in, which the .txt files beside them list
	@.ci/hashes

bench: setup ## measure against lm-eval and raw vLLM; writes tests/bench/results/
	@python -m tests.bench

dist: setup ## build the source archive and the wheel of a release in dist/
	@rm -rf dist && python -m build --no-isolation

clean: ## remove the environment and every build output
	rm -rf .venv runs site/public dist build
