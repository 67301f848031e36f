# Kith's own commands. `make demo` and `make test` need Python 3.11 or later, git and make; nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
KITH   := $(BIN)/kith
PIP    := $(BIN)/pip install --quiet --disable-pip-version-check
# Said before anything else, as nothing is to be seen for a while.
BEGIN  = echo "Installing what Kith needs into .venv (a minute or two)…" && \
	{ test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); }
# Bytecode is compiled here so that `kith --help` is quick even where Python may not write it later.
INSTALL_KITH = $(PIP) --require-hashes -r deploy/locks/build.txt && \
	$(PIP) --no-deps --no-build-isolation --editable . && \
	$(BIN)/python -m compileall -q connectors deploy schemas services workers

.PHONY: demo run setup test check lint format bench costs faults soak fuzz lock clean live-google live-microsoft live-exchange live-todoist

demo: setup
	@$(BIN)/kith demo --home .demo $(if $(ONCE),--once)

run: setup
	@$(KITH) up

setup: $(VENV)/.run

test: $(VENV)/.test
	@$(BIN)/python -m tests.system_packages
	$(BIN)/python -m pytest -n auto --dist loadgroup -m "not slow" $(ARGS)

check: $(VENV)/.test
	$(BIN)/python -m pytest -m "not slow and not browser" $(ARGS)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.test
	$(BIN)/python -m tests.bench $(ARGS)

# At the vendors themselves, with an account of yours: docs/live-tests.md.
live-google live-microsoft live-exchange live-todoist: live-%: $(VENV)/.test
	@$(BIN)/python -m tests.live $* $(ARGS)

costs: $(VENV)/.test
	@$(BIN)/python -m tests.bench.costs $(ARGS)

faults: $(VENV)/.test
	$(BIN)/python -m pytest -m slow tests/faults $(ARGS)

# The full size of what always runs in small: a hundred seeds, five hundred lost answers, years of months.
soak: $(VENV)/.test
	$(BIN)/python -m pytest -n auto --dist loadgroup -m slow tests/connectors tests/e2e $(ARGS)

# Property tests with examples that were never tried before.
fuzz: $(VENV)/.test
	KITH_TEST_PROFILE=fuzz $(BIN)/python -m pytest -m "not slow and not browser" $(ARGS)

# The locks name no address: whoever installs chooses where from.
lock:
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet uv
	.venv-lock/bin/uv pip compile -q --generate-hashes --no-emit-index-url --universal --no-header pyproject.toml -o deploy/locks/run.txt
	.venv-lock/bin/uv pip compile -q --generate-hashes --no-emit-index-url --universal --no-header --extra test pyproject.toml -o deploy/locks/test.txt
	printf 'hatchling==1.33.0\neditables\n' | .venv-lock/bin/uv pip compile -q --generate-hashes --no-emit-index-url --universal --no-header --no-annotate - -o deploy/locks/build.txt

$(VENV)/.run: deploy/locks/run.txt pyproject.toml
	@$(BEGIN)
	@test -e $(VENV)/.test || $(PIP) --require-hashes -r deploy/locks/run.txt
	@$(INSTALL_KITH)
	@touch $@

$(VENV)/.test: deploy/locks/test.txt pyproject.toml
	@$(BEGIN)
	@$(PIP) --require-hashes -r deploy/locks/test.txt
	@$(INSTALL_KITH)
	@touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) .venv-lock .demo .pytest_cache .mypy_cache .ruff_cache
