# `make reproduce`, `make test` and `make lab` each do all set-up by themselves.
# With uv installed the set-up takes seconds; without it, plain pip does the same.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
UV     := $(shell command -v uv 2>/dev/null)

.PHONY: help setup reproduce test check lab notebooks book test-book assignments grade lock clean

help:
	@echo "make setup       the environment in $(VENV), and nothing else"
	@echo "make reproduce   render, train, evaluate, run the notebooks, write report/index.html"
	@echo "make test        every check: style, types, tests, notebooks"
	@echo "make lab         JupyterLab on notebook 00"
	@echo "make notebooks   run the numbered notebooks and store their outputs"
	@echo "make book        notebooks, equations and modules as a site: build/book/index.html"
	@echo "make test-book   build it and read every page in a browser (a part of make test)"
	@echo "make assignments make the problem sets' releases from their sources"
	@echo "make grade SUBMISSIONS=folder   mark what students handed in, into OUT=grades"
	@echo "make lock        compile requirements.txt anew from pyproject.toml"
	@echo "make clean       remove what the above made (not run records)"

setup: $(READY)

# requirements.txt is the exact tested set; pyproject.toml says what else would do.
$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c "import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else 'Python 3.11, 3.12 or 3.13 is needed, this is %d.%d. Try: make PYTHON=python3.12 ...' % v)"
ifneq ($(UV),)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) $(VENV)
	$(UV) pip install --quiet --python $(BIN)/python -r requirements.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps -e .
else
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
endif
	@touch $(READY)

reproduce: $(READY)
	$(BIN)/python -m reidlib reproduce

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: check
	MPLBACKEND=agg OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --nbval-lax --nbval-current-env --nbval-cell-timeout 400 \
		--nbval-sanitize-with notebooks/sanitise.cfg -p no:cacheprovider \
		--ignore=notebooks/assignments notebooks

lab: $(READY)
	$(BIN)/jupyter lab $(LAB) notebooks/00_start_here.ipynb

notebooks: $(READY)
	$(BIN)/python -m reidlib notebooks

book: $(READY)
	$(BIN)/python docs/book.py

test-book: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/book

# SEED=7 sets this term's data; the releases then go to HANDOUT.
OUT ?= grades
HANDOUT ?= handout
assignments: $(READY)
	$(BIN)/python -m reidlib assignments $(if $(SEED),--seed $(SEED) --out "$(HANDOUT)")

grade: $(READY)
	@test -n "$(SUBMISSIONS)" || { echo "say where they are: make grade SUBMISSIONS=folder"; exit 2; }
	$(BIN)/python -m reidlib grade "$(SUBMISSIONS)" --out "$(OUT)" $(if $(SEED),--seed $(SEED))

# The CUDA libraries are left out: torch itself names the ones it wants, and the CPU build none.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --extra dev --extra book --extra course --extra cluster --no-annotate \
		--no-header --upgrade pyproject.toml | grep -viE '^(nvidia|cuda|triton)' > requirements.tmp
	mv requirements.tmp requirements.txt

clean:
	rm -rf $(VENV) report runs data/cache build *.egg-info .mypy_cache .ruff_cache .pytest_cache
