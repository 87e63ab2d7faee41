# make book, make test, make serve … — `make help` lists them all.
# PYTHON picks the interpreter that .venv is made from; PORT is where `make serve` listens;
# TORCH_INDEX is the package index of another torch build (README: "The small CPU build");
# WHEELS=1 puts the packages into the kit; WORKERS says in how many processes the tests run;
# ONLY names the notebooks whose solutions `make mutants` changes.

PYTHON ?= python3
PORT ?= 8000
TORCH_INDEX ?=
WHEELS ?=
WORKERS ?= 2
ONLY ?=
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
CHECKED := $(or $(wildcard $(BIN)/python),$(PYTHON))
BUILD := $(BIN)/jupyter-book build . -W -n --keep-going

.DEFAULT_GOAL := help
.PHONY: help install book serve pdf epub learner slides kit test mutants matrix links weigh records numbers figures addresses lint normalise constraints clean distclean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED)  ## make .venv and install everything into it

$(INSTALLED): requirements.txt constraints.txt
	@$(CHECKED) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "This book needs Python 3.11 or newer. Name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(CHECKED) -c 'import sys; sys.exit(sys.version_info >= (3, 14))' || \
		echo "This Python is newer than 3.13, the newest that this book was tested with. If a package is missing: rm -r $(VENV); make PYTHON=python3.13 $(MAKECMDGOALS)"
	@$(CHECKED) -c 'import ensurepip, venv' || \
		{ echo "This Python cannot make virtual environments. On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(if $(TORCH_INDEX),$(BIN)/python -m pip install torch torchvision -c constraints.txt --index-url $(TORCH_INDEX))
	$(BIN)/python -m pip install --quiet -r requirements.txt -c constraints.txt
	touch $@

book: $(INSTALLED)  ## execute the notebooks and build the site into _build/html
	$(BUILD)
	@echo "The book is in _build/html. To read it: make serve"

serve: book  ## show the book on localhost
	@$(BIN)/python tools/serve_book.py --port $(PORT)

# The last build is for the landing page, which links to the editions that are there.
pdf: book  ## print the book into _build/pytorch-from-the-ground-up.pdf (needs Chromium)
	$(BIN)/python tools/make_paper.py pdf
	$(BUILD)

epub: book  ## make the e-book _build/pytorch-from-the-ground-up.epub
	$(BIN)/python tools/make_paper.py epub
	$(BUILD)

learner: $(INSTALLED)  ## write the notebooks without solutions into _build/learner
	$(BIN)/python tools/learner_notebooks.py

slides: book  ## make a deck of slides a chapter, with speaker notes, into _build/slides
	$(BIN)/python tools/make_slides.py

kit: slides  ## pack site, learner notebooks, slides, data for a USB stick (WHEELS=1: the packages too)
	$(BIN)/python tools/make_kit.py $(if $(WHEELS),--wheels) $(if $(TORCH_INDEX),--torch-index $(TORCH_INDEX))

test: $(INSTALLED)  ## run every test (builds the book first where it is stale)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

mutants: $(INSTALLED)  ## try the checks on solutions with a mistake each (ONLY=03_… for one notebook; Linux)
	$(BIN)/python tools/mutate_solutions.py $(if $(ONLY),--only $(ONLY))

matrix:  ## run the tests with 3 versions of Python times 3 of torch, write book/records/versions.json: for hours
	$(PYTHON) tools/record_versions.py $(if $(TORCH_INDEX),--torch-index $(TORCH_INDEX)) --workers $(WORKERS)

links: book  ## ask every site that the book links to whether the page is still there (needs a network)
	@$(BIN)/python tools/check_external_links.py

weigh: book  ## print what each page of the site weighs, and complain of the heavy ones
	@$(BIN)/python tools/weigh_pages.py

records: $(INSTALLED)  ## measure what book/records/ lacks: full-length training runs, for hours
	set -e; for script in tools/record_*.py; do $(BIN)/python $$script; done

numbers: $(INSTALLED)  ## record what the notebooks print, of those that changed (ONLY=01_tensors: that one; ALL=1: all)
	@$(BIN)/python tools/record_printed_numbers.py $(if $(ALL),--all) $(if $(ONLY),--only $(ONLY))

# One of the pictures is taken of the built page.
figures: book  ## export the data and the fallback pictures of the interactive figures anew (needs Chromium)
	set -e; for script in book/figures/*/export_data.py; do $(BIN)/python $$script; done

addresses: book  ## add the pages and headings that book/addresses.txt lacks
	$(BIN)/python tools/list_addresses.py

lint: $(INSTALLED)  ## check code and notebooks with ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/normalise_notebooks.py --check

normalise: $(INSTALLED)  ## strip outputs from the notebooks and bring them into their normal form
	$(BIN)/python tools/normalise_notebooks.py
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

constraints:  ## write constraints.txt anew (UPGRADE=1 moves every version up; needs uv)
	uv pip compile --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links --quiet \
		--custom-compile-command "make constraints" $(if $(UPGRADE),--upgrade) requirements.txt -o constraints.txt

clean:  ## remove what was built
	rm -rf _build

distclean: clean  ## remove what was built, installed and unpacked as well
	rm -rf $(VENV) .pytest_cache .ruff_cache
	rm -f notebooks/data/MNIST/raw/*-ubyte notebooks/data/*.lock
	find . -name __pycache__ -prune -exec rm -rf {} +
