# Everything a person or CI does with a checkout. Needs Python >= 3.11 with venv, make, and PyPI in reach.
#
#   make train        set everything up, then train the classic network (ARGS="--data mnist.npz --epochs 3")
#   make test         set everything up, then the tests;  make test-slow: crash rounds, full MNIST, a fresh install
#   make check        the linters and the type checker
#   make results      the tables in docs/results.md
#   make bench        tendigits beside its peers, about half an hour; QUICK=1: the main table in 5 minutes
#   make bench-read   the reader beside others, about half an hour (SCANS=folder of labelled pictures)
#   make bench-serve  requests a second, beside others, a quarter of an hour; needs wrk
#   make reader       train the reader network anew and put it into the package, an hour or two
#   make notebook     execute the notebooks anew, a quarter of an hour
#   make pictures     the README's pictures from a real run
#   make lock         choose the newest versions anew

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UV := $(BIN)/python -m uv

.PHONY: setup train test test-slow check format lock results bench bench-read bench-serve reader notebook pictures clean

setup: $(READY)

# uv is bootstrapped at the locked version, then installs the rest of the lock file, checked by digest. The byte code
# is compiled now: without it every start of Keras takes seconds more.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "tendigits needs Python >= 3.11, found $$($(PYTHON) --version); name another: make PYTHON=python3.13"; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "this Python has no venv; on Debian and Ubuntu: apt install python3-venv"; exit 2; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $$(sed -n 's/^\(uv==[0-9.]*\).*/\1/p' requirements.lock)
	$(UV) pip sync --quiet --require-hashes --compile-bytecode --python $(BIN)/python requirements.lock
	$(UV) pip install --quiet --no-deps --python $(BIN)/python --editable .
	@touch $@

train: setup
	$(BIN)/tendigits train $(ARGS)

test: setup
	$(BIN)/python -m pytest -m "not slow and not alone" --numprocesses auto --maxprocesses 4 --dist loadfile $(ARGS)
	$(BIN)/python -m pytest -m "alone and not slow" $(ARGS) || [ $$? -eq 5 ]  # 5: none of those that were chosen

test-slow: setup
	$(BIN)/python -m pytest -m "slow and not alone" --numprocesses auto --maxprocesses 4 --dist loadfile $(ARGS)
	$(BIN)/python -m pytest -m "slow and alone" $(ARGS) || [ $$? -eq 5 ]

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: setup
	$(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" --group dev pyproject.toml --output-file requirements.lock

results: setup
	$(BIN)/python bench/recipes.py $(if $(DATA),--data $(DATA))

bench: setup
	$(BIN)/python bench/speed.py $(if $(DATA),--data $(DATA)) $(if $(QUICK),--quick) $(ARGS)

bench-read: setup
	$(BIN)/python bench/reading.py $(if $(DATA),--data $(DATA)) $(if $(SCANS),--scans $(SCANS)) $(ARGS)

bench-serve: setup
	$(BIN)/python bench/serving.py $(if $(DATA),--data $(DATA)) $(ARGS)

reader: setup
	$(BIN)/python reader/pool.py $(if $(DATA),--data $(DATA))
	$(BIN)/python reader/make.py $(if $(DATA),--data $(DATA))

notebook: setup
	$(BIN)/python notebooks/execute.py notebooks/first_network.ipynb
	$(BIN)/python notebooks/execute.py notebooks/better_network.ipynb

pictures: setup
	$(BIN)/python docs/pictures.py

clean:
	rm -rf $(VENV) dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
