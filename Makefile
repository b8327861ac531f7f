# Everything a person or CI does with a checkout. Needs make, Python >= 3.11 with venv, and
# internet access to PyPI or a mirror of it.
#
#   make train        install what training needs, train the classic network (ARGS="--epochs 3")
#   make lab          install everything, open the notebooks in the browser
#   make test         install everything, run the tests;  make test-slow: those that take longer
#   make check        the linters and the type checkers; needs npm
#   make results      the tables in docs/results.md
#   make bench        tendigits beside its peers, about half an hour; QUICK=1: the main table in 5 minutes
#   make bench-read   the reader beside others, about an hour (SCANS=, NUMBERS=, STRINGS=folders of labelled pictures)
#   make bench-serve  requests a second, beside others, a quarter of an hour; needs wrk
#   make reader       train the reader's networks and put them into the package, four hours; it goes on where it stopped
#                     (STRINGS=folder of real writing to learn from, too)
#   make notebook     execute the notebooks anew, half an hour
#   make dist         the five wheels and the sdist;  make test-installed: the tests of this machine's wheel
#   make docs         the site, in site/index.html; it needs no server
#   make pictures     the README's pictures from a real run
#   make lock         choose the newest versions anew

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
UV := $(BIN)/uv
# uv trusts the system's certificates, as pip does: a company's proxy has one of its own.
export UV_SYSTEM_CERTS := 1

.PHONY: setup train lab test test-slow check docs format address check-metadata dist check-release test-installed lock results bench bench-read bench-serve reader notebook pictures clean

# uv is installed at its locked version and then installs a lock file; everything is checked by its digest. The byte
# code is compiled now: without it every start of Keras takes seconds more.
$(UV): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "tendigits needs Python >= 3.11, found $$($(PYTHON) --version); name another: make PYTHON=python3.13"; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "this Python has no venv; on Debian and Ubuntu: apt install python3-venv"; exit 2; }
	$(PYTHON) -m venv --clear $(VENV)
	sed -n '/^uv==/,/via/p' requirements.lock > $(VENV)/uv.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement $(VENV)/uv.txt
	@touch $@

COMPILED = pyproject.toml hatch_build.py src/tendigits/engine/dense.c
INSTALL = $(UV) pip install --quiet --python $(BIN)/python

$(VENV)/.train: requirements.lock requirements-train.lock $(COMPILED) | $(UV)
	$(INSTALL) --require-hashes --compile-bytecode --requirement requirements-train.lock
	$(INSTALL) --no-deps --editable .
	@touch $@

$(VENV)/.all: requirements.lock $(COMPILED) | $(UV)
	$(INSTALL) --require-hashes --compile-bytecode --requirement requirements.lock
	$(INSTALL) --no-deps --editable .
	@touch $(VENV)/.train $@

setup: $(VENV)/.all

train: $(VENV)/.train
	$(BIN)/tendigits train $(ARGS)

lab: setup
	$(BIN)/jupyter lab notebooks

# Compiling takes the most time, so XLA leaves its optimisations out; the slow tests have them.
test: setup
	XLA_FLAGS="--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false" \
	  $(BIN)/python -m pytest --numprocesses 2 --dist loadgroup $(ARGS)

test-slow: setup
	$(BIN)/python -m pytest -m slow --numprocesses 2 --dist loadgroup $(ARGS)

check: setup node_modules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python tools/check_words.py
	npm run --silent check
	$(MAKE) --no-print-directory check-metadata docs

RELEASE = $(UV) run --quiet --no-project --isolated --with-requirements requirements-release.lock

check-metadata: setup
	$(RELEASE) cffconvert --validate
	$(RELEASE) actionlint

# The five wheels and the sdist, in dist/, checked as PyPI does.
dist: setup
	rm -rf dist
	$(BIN)/python hatch_build.py wheels
	@test $$(ls dist/*-none-m*.whl dist/*-none-win*.whl | wc -l) -eq 5 || { echo "a wheel lacks the kernel"; exit 1; }
	$(BIN)/python -m hatchling build --target sdist
	$(RELEASE) twine check --strict dist/*
	$(RELEASE) pyroma --min 8 dist/*.tar.gz

# What a release needs besides: an address that is not the placeholder, and a tag that is the version.
check-release: setup
	$(BIN)/python tools/address.py
	$(BIN)/python tools/release.py $(TAG)

# The wheel of this machine in dist/, in an environment of its own, under the tests of what it does without a checkout.
# JAX and Ray have no wheels for Intel Macs, which can read and serve: make test-installed EXTRAS=serve
EXTRAS ?= train,serve,scale,notebook
PORTABLE := tests/numbers tests/read tests/tables tests/test_files.py
ifneq ($(EXTRAS),serve)
PORTABLE += tests/batch tests/data tests/digits tests/engine tests/model tests/pictures tests/pool tests/report \
  tests/runs tests/teach tests/train tests/test_cli.py
endif
INSTALLED := .installed
INSTALLED_BIN := $(INSTALLED)/$(notdir $(BIN))

test-installed: | $(UV)
	$(UV) venv --quiet --clear --python $(PYTHON) $(INSTALLED)
	$(UV) pip install --quiet --python $(INSTALLED_BIN)/python --no-build --constraint requirements.lock --group dev \
	  --find-links dist "tendigits[$(EXTRAS)]==$$($(BIN)/python tools/release.py)"
	$(INSTALLED_BIN)/tendigits --version --json
	$(INSTALLED_BIN)/python -m pytest --numprocesses 2 --dist loadgroup $(or $(ARGS),$(PORTABLE))

# The site, with the playground and the page that reads a digit in it; a link or an anchor that leads nowhere fails.
docs: setup node_modules .site/play .site/digit
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict  # not --quiet: that would let warnings pass

WEB = $(shell find src/tendigits/web src/tendigits/export src/tendigits/digits -type f -not -name '*.pyc')

.site/play: $(WEB) | setup
	$(BIN)/tendigits export play --to web $@ --overwrite > .site.log
	@touch $@

.site/digit: $(WEB) | setup
	$(BIN)/tendigits export reader --to web --out $@ --overwrite > .site.log
	@touch $@

# Biome and the TypeScript compiler, for the web files.
node_modules: package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# make lock UPGRADE= keeps the versions that are there and adds what is missing.
UPGRADE ?= --upgrade
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --custom-compile-command "make lock"

# The owner's address, once it is known: make address ADDRESS=https://github.com/NAME/tendigits
address: setup
	$(BIN)/python tools/address.py $(ADDRESS)
	$(BIN)/python notebooks/colab.py

lock: setup
	$(COMPILE) pyproject.toml $(UPGRADE) --all-extras --group dev --output-file requirements.lock
	$(COMPILE) pyproject.toml --extra train --constraint requirements.lock --output-file requirements-train.lock
	$(COMPILE) $(UPGRADE) --group release --output-file requirements-release.lock

results: setup
	$(BIN)/python bench/recipes.py $(if $(DATA),--data $(DATA))

bench: setup
	$(BIN)/python bench/speed.py $(if $(DATA),--data $(DATA)) $(if $(QUICK),--quick) $(ARGS)

bench-read: setup
	$(BIN)/python bench/reading.py $(if $(DATA),--data $(DATA)) $(if $(SCANS),--scans $(SCANS)) \
	  $(if $(NUMBERS),--numbers $(NUMBERS)) $(if $(STRINGS),--strings $(STRINGS)) $(ARGS)
	$(BIN)/python reader/cards.py

bench-serve: setup
	$(BIN)/python bench/serving.py $(if $(DATA),--data $(DATA)) $(ARGS)

# Keras trains the networks for numbers on PyTorch, which has an environment of its own: tendigits never needs it.
TORCH := .reader/torch

$(TORCH): pyproject.toml
	$(PYTHON) -m venv --clear $(TORCH)
	$(TORCH)/bin/pip install --quiet --disable-pip-version-check --upgrade pip
	$(TORCH)/bin/pip install --quiet --editable . --group reader
	@touch $(TORCH)

READS := src/tendigits/numbers/assets/numbers.onnx

reader: setup $(TORCH)
	$(BIN)/python reader/pool.py $(if $(DATA),--data $(DATA))
	$(BIN)/python reader/train.py $(if $(DATA),--data $(DATA))
	$(BIN)/python reader/fetch_fonts.py
	$(BIN)/python reader/rehearsal.py
	$(TORCH)/bin/python reader/train_numbers.py finder --minutes 40 --start reader/finder.npz
	$(TORCH)/bin/python reader/train_numbers.py numbers_1 --minutes 50 --start reader/numbers_1.npz --teacher $(READS) $(if $(STRINGS),--strings $(STRINGS))
	$(TORCH)/bin/python reader/train_numbers.py numbers_2 --minutes 50 --start reader/numbers_2.npz --teacher $(READS) $(if $(STRINGS),--strings $(STRINGS))
	$(BIN)/python reader/bundle.py finder
	$(BIN)/python reader/bundle.py numbers
	$(BIN)/python reader/calibrate.py $(if $(STRINGS),--strings $(STRINGS))
	$(BIN)/python reader/cards.py

notebook: setup
	$(BIN)/python notebooks/execute.py notebooks/first_network.ipynb
	$(BIN)/python notebooks/execute.py notebooks/better_network.ipynb
	$(BIN)/python notebooks/execute.py notebooks/gan.ipynb

pictures: setup
	$(BIN)/python docs/pictures.py

clean:
	rm -rf $(VENV) dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
