# Needed: Python 3.11 or newer and make (GNU make 3.81 will do). Everything else goes into .venv.
#
#   PYTHON       the Python that .venv is made with, e.g. make book PYTHON=python3.12
#   TORCH_INDEX  where PyTorch's CPU build is, if the package index in use would choose another
#   PORT         the port of `make serve`

PYTHON ?= python3
TORCH_INDEX ?=
PORT ?= 8000

# Recipes name files from here, so that this folder's own name may hold spaces, # or &. What would
# end a name in PATH or in a script's first line is refused before anything is written.
DOLLAR := $$
COLON := :
BACKSLASH := $(subst /,\,/)
unusable := $(foreach character,$(DOLLAR) $(COLON) $(BACKSLASH) " `,$(findstring $(character),$(CURDIR)))
ifneq ($(strip $(unusable)),)
$(error The folder's name must be without $(DOLLAR) $(COLON) $(BACKSLASH) " and `, and it is $(CURDIR): rename or move it)
endif

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed-from-pyproject
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
GROUPS := content book test lint bench release

# pip installs into .venv, whatever its settings say of other places.
export PIP_USER := 0
unexport PIP_TARGET PIP_PREFIX PIP_ROOT PIP_PYTHON PIP_DRY_RUN

# One thread for each of pytest's processes: more would fight for the same cores.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadscope

# The package's own tests, without those of the book and the site.
UNIT := tests/course tests/repository
LOWEST_PIP := .venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check

# Chapters run as they would for anyone: with matplotlib's notebook backend, with the packages of
# .venv alone, and without the settings of the reader's own IPython.
unexport MPLBACKEND PYTHONPATH PYTHONHOME
export IPYTHONDIR := $(CURDIR)/$(VENV)/ipython
# Chapters run in their own folder: a relative MNIST_DIR would not lead from there. A value from the
# command line yields to `override` alone, and its words are looked at as one.
ifneq ($(MNIST_DIR),)
NOTHING :=
SPACE := $(NOTHING) $(NOTHING)
override MNIST_DIR := $(if $(filter /% ~%,$(subst $(SPACE),_,$(MNIST_DIR))),,$(CURDIR)/)$(MNIST_DIR)
export MNIST_DIR
endif
# How long a waiting thread of PyTorch's spins. The default holds up, on a busy machine, the very
# thread that is waited for, and minutes pass where seconds should.
export GOMP_SPINCOUNT ?= 20000
# Keeps a debugger's advice out of their standard error.
export PYDEVD_DISABLE_FILE_VALIDATION := 1

.DEFAULT_GOAL := help
.PHONY: help book test invited fonts explore lowest paint draft serve offline pdf edition links manifest verify release notebooks bench record lint clean

help:
	@echo "make book       execute all chapters, build the site into _build/html"
	@echo "make test       unit and property tests, the notebook linter, every chapter against its stored outputs"
	@echo "make invited    every chapter with each change that one of its exercises asks for"
	@echo "make explore    property tests with fresh examples, 20 times as many"
	@echo "make lowest     the package's tests with the lowest versions that pyproject.toml admits"
	@echo "make fonts      layout and PDF with the fonts DejaVu, Liberation and Noto alone, each in turn"
	@echo "make paint      how soon the built pages are painted, on a slow processor"
	@echo "make draft      build the site from the stored outputs, in seconds"
	@echo "make serve      serve _build/html at http://127.0.0.1:$(PORT)/"
	@echo "make offline    one zip of the site, to unpack and open as files: _build/lecture-offline.zip"
	@echo "make pdf        the whole book as one PDF, from the site, with the system's Chromium: _build/lecture.pdf"
	@echo "make edition    the chapters as notebooks for any notebook reader: _build/edition"
	@echo "make manifest   the numbers that this build has computed: _build/manifest.json"
	@echo "make verify     compare them with those of a release: make verify MANIFEST=..."
	@echo "make release    what a release attaches: _build/release"
	@echo "make links      ask each page on another host that the book links to"
	@echo "make notebooks  execute the chapters and store their outputs"
	@echo "make bench      run the benchmarks, results in _build/bench"
	@echo "make record     run the benchmarks, and keep their figures for the appendix"
	@echo "make lint       ruff, oxlint for JavaScript, mypy, zizmor for workflows, and the notebook linter"
	@echo "make clean      remove what was built (.venv stays)"

book draft links: $(INSTALLED)
	@$(BIN)/python -m booksite.build $@

serve: $(INSTALLED)
	@$(BIN)/python -m booksite.finished
	$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

offline: $(INSTALLED)
	@$(BIN)/python -m booksite.offline

pdf: $(INSTALLED)
	@$(BIN)/python -m booksite.paper.pdf

# Notebooks without the builder's markup, from the stored outputs; one is run.
edition: $(INSTALLED)
	@$(BIN)/python -m booksite.build edition
	$(BIN)/python -m pytest -q -m edition tests/booksite/edition

manifest: $(INSTALLED)
	@$(BIN)/python -m authoring.manifest write

verify: $(INSTALLED)
	@$(BIN)/python -m authoring.manifest verify '$(MANIFEST)'

release: offline pdf edition manifest
	@$(BIN)/python -m booksite.release

# Coverage is of the package, by its own tests: tracing the others would only take time.
test: $(INSTALLED)
	$(PYTEST) --cov --cov-report=term tests/course
	$(PYTEST) -m "not alone and not fonts and not invited and not edition" --ignore=tests/course
	$(BIN)/python -m authoring.lint
	$(PYTEST) $$($(BIN)/python -m authoring.notebooks nbval-mode) --nbval-current-env --nbval-sanitize-with tests/authoring/nbval.cfg book

# Minutes: each chapter with each change that one of its exercises invites.
invited: $(INSTALLED)
	$(PYTEST) --dist load -m invited tests/authoring

# An hour: fresh examples, 20 times as many, for every property test.
explore: $(INSTALLED)
	HYPOTHESIS_PROFILE=explore $(PYTEST) $(UNIT)

# An environment of its own, made anew each time. The lowest torch needs TORCH_INDEX: the package
# index has it with several GB for graphics cards, so without TORCH_INDEX the pinned one stays.
# pyparsing's later releases warn at each formula that matplotlib 3.9 draws.
lowest:
	"$(PYTHON)" -m venv --clear .venv-lowest
	$(LOWEST_PIP) 'pip>=25.1'
	$(LOWEST_PIP) $(if $(TORCH_INDEX),$(shell grep ^torch== tests/lowest.txt) --index-url '$(TORCH_INDEX)',--group torch)
	grep -v '^torch==' tests/lowest.txt > .venv-lowest/lowest.txt
	$(LOWEST_PIP) --constraint .venv-lowest/lowest.txt --editable '.[sample]' \
	  pytest pytest-xdist hypothesis cvxpy clarabel nbclient nbformat pyyaml myst-nb 'pyparsing<3.3'
	OMP_NUM_THREADS=1 .venv-lowest/bin/python -m pytest --numprocesses logical --maxprocesses 4 $(UNIT)

# The built pages and the PDF, as readers with other fonts have them.
fonts: $(INSTALLED)
	$(PYTEST) --dist load -m fonts tests/browser

# Times of this machine, when nothing else runs.
paint: $(INSTALLED)
	$(BIN)/python -m pytest -m alone tests/browser

notebooks: $(INSTALLED)
	$(BIN)/python -m authoring.notebooks write

bench: $(INSTALLED)
	@mkdir -p _build/bench
	@set -e; for script in benchmarks/[a-z]*.py; do name="$$(basename "$$script" .py)"; \
	  echo "== $$name"; $(BIN)/python -m "benchmarks.$$name"; done

record: bench
	@mkdir -p benchmarks/results
	cp _build/bench/*.json benchmarks/results/

# The workflows are checked without asking GitHub.
lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/oxlint
	$(BIN)/mypy
	$(BIN)/zizmor --offline --quiet .github
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/python -m authoring.lint

clean:
	rm -rf _build .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .coverage.*

# Made anew when pyproject.toml changes. torch goes first and alone: asked for together with a
# package that depends on it, pip may choose a build of several GB.
$(INSTALLED): pyproject.toml
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  command -v "$(PYTHON)" >/dev/null || { \
	    echo "Python 3.11 or newer is needed, and there is no $(PYTHON): install it, or name one with make PYTHON=..."; exit 1; }; \
	  "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Python 3.11 or newer is needed, $(PYTHON) is $$("$(PYTHON)" --version 2>&1): name a newer one with make PYTHON=..."; exit 1; }; \
	  "$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "$(PYTHON) cannot make virtual environments: install its venv package (Debian, Ubuntu: apt install python3-venv)"; exit 1; }; \
	  echo "Making $(VENV) with $$("$(PYTHON)" --version)"; \
	  "$(PYTHON)" -m venv --clear $(VENV); \
	fi
	@echo "Installing into $(VENV) (once, some minutes)"
	$(PIP) 'pip>=25.1'
	$(PIP) --group torch $(if $(TORCH_INDEX),--index-url '$(TORCH_INDEX)')
	$(PIP) $(addprefix --group ,$(GROUPS)) --editable '.[sample]'
	@$(BIN)/python -c 'from importlib.metadata import version as v; v("torch"); v("lectures_code")' 2>/dev/null || { \
	  echo "pip was to install into $(VENV), and what it installed is not there: see where its settings lead (pip config list)"; exit 1; }
	@mkdir -p $(VENV)/ipython/profile_default
	@# Kernels warn at every start that they listen on this machine's loopback without encryption.
	@echo 'c.IPKernelApp.log_level = "ERROR"' > $(VENV)/ipython/profile_default/ipython_kernel_config.py
	@touch $@
