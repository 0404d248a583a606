# Everything here calls python; on Windows run the same lines by hand: `py -3.12 book/build.py`.
#   make book     environment, notebooks, site (in _build/html)      make test    all the tests but the slow ones
#   make check    style, stripped notebooks, spelling, addresses     make serve   the built site on localhost
#   make slides   a deck a chapter, in _build/html/slides; `make book` makes them too
PYTHON ?= python3
PORT ?= 8000
# Notebooks to run at the same time; each needs about 2 GB of memory.
JOBS ?= 2
VENV := .venv/bin/python
SITE := _build/html/index.html
SOURCES := lib book tests bench notebooks
# Tests that run side by side, each module in one process.
WORKERS ?= 2
# Threads that wait for each other by spinning are many times slower as soon as anything else runs on the machine.
export OMP_WAIT_POLICY ?= PASSIVE

# `make check book test` is an order, also under -j.
.NOTPARALLEL:
.PHONY: help env check format notebooks book slides test test-all serve zip lab bench study links clean python
help:
	@echo "make book | test | check | serve | slides | zip | lab | notebooks | bench | study | test-all | format | links | env | clean"
	@echo "PYTHON=python3.12 chooses the interpreter (3.11 to 3.13)."

python:
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { \
	  echo "There is no '$(PYTHON)' here. Install Python 3.11 to 3.13, or name yours: make PYTHON=/path/to/python3.12 book" >&2; \
	  exit 1; }

env: python
	@$(PYTHON) book/build.py env

check: env
	$(VENV) -m ruff check --quiet $(SOURCES)
	$(VENV) -m ruff format --check --quiet $(SOURCES)
	@$(VENV) book/links.py --check
	@$(VENV) book/minutes.py --check
	@$(VENV) book/stripped.py --verify
	$(VENV) -m codespell_lib

format: env
	$(VENV) -m ruff check --fix $(SOURCES)
	$(VENV) -m ruff format $(SOURCES)
	$(VENV) book/stripped.py
	$(VENV) book/minutes.py

notebooks: env
	@$(VENV) book/build.py notebooks $(if $(ONLY),--only $(ONLY))

book: env
	@$(VENV) book/build.py --jobs $(JOBS)

slides: env
	@$(VENV) book/build.py slides --jobs $(JOBS)

# Only where it is missing: `make book` is the one that refreshes.
$(SITE): | env
	@$(VENV) book/build.py --jobs $(JOBS)

test: env $(SITE)
	$(VENV) -m pytest -m "not slow" -n $(WORKERS) --dist loadfile

test-all: env $(SITE)
	$(VENV) -m pytest -n $(WORKERS) --dist loadfile

zip: $(SITE)
	@$(VENV) book/build.py zip

serve: $(SITE)
	@$(VENV) book/build.py serve --port $(PORT)

lab: env
	$(VENV) -m jupyter lab notebooks

bench: env
	@$(VENV) -c "import nnsight, onnx, onnxscript" 2>/dev/null || \
	  $(VENV) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[bench]"
	@$(VENV) bench/run.py

# The long studies: hours on two cores, or a GPU. REPLICAS: pipeline folders that other trainings gave. GROWTH: the
# state folder of a training run, whose kept moments are read. TRAININGS: several such folders, for the study of birth.
# ARMS: of the study of ingredients, such as base,muon; each is trained three times, each time half an hour of a core to
# more than an hour.
STUDIES := critical spatial text_transport subject_transport level_pattern content_or_gain
study: env
	for name in $(STUDIES); do $(VENV) -m fewchannels.cli study $$name --out results/$$name.safetensors >/dev/null || exit 1; done
	$(if $(REPLICAS),$(VENV) -m fewchannels.cli study replicas --n 64 --replicas $(REPLICAS) --out results/replicas.safetensors)
	$(if $(TRAININGS),$(VENV) -m fewchannels.cli study birth --n 24 --trainings $(TRAININGS) --out results/birth.safetensors)
	$(if $(ARMS),$(VENV) -m fewchannels.studies.ingredients --only $(ARMS) --out results/ingredients.safetensors)
	$(if $(GROWTH),$(VENV) -m fewchannels.toyworld.growth --state $(GROWTH) --out results/growth.safetensors)

links: env
	@$(VENV) book/links.py $(if $(REPOSITORY),--repository $(REPOSITORY))

clean:
	rm -rf _build .pytest_cache .ruff_cache
	find . -path ./.venv -prune -o -name __pycache__ -type d -print | xargs rm -rf
