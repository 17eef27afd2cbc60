# Everything starts here; `make` alone lists the targets.
PYTHON ?= python3
VENV   ?= .venv
PY     := $(VENV)/bin/python
# an offline site: make WHEELS=folder-of-wheels ...
PIPI   := $(PY) -m pip --disable-pip-version-check install -q $(if $(WHEELS),--no-index --find-links $(WHEELS),)

.PHONY: help demo test lab lint lock docs wheel clean
help:  ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.ready  ## build a closing company, take it through the whole flow, verify the bundle
	$(PY) -m workbench demo

test: $(VENV)/.ready-dev  ## run the tests
	$(PY) -m pytest -n auto --dist loadfile --no-loadscope-reorder

lab: $(VENV)/.ready  ## open JupyterLab on notebooks/00_start.ipynb
	$(PY) -m workbench lab .

lint: $(VENV)/.ready-dev  ## ruff and mypy
	$(VENV)/bin/ruff check -q .
	$(VENV)/bin/mypy

docs: $(VENV)/.ready-dev  ## write the troubleshooting pages from the error tree
	$(PY) docs/build.py

wheel: $(VENV)/.ready-dev  ## build the wheel into dist/
	$(PY) -m build --wheel -o dist

lock:  ## write the lock files anew (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header requirements-build.in -o requirements-build.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --extra dev pyproject.toml -o requirements-dev.lock

clean:  ## remove what make made (the demo's data too)
	rm -rf $(VENV) dist reports/demo demo-case

$(VENV)/bin/pip:
	@command -v $(PYTHON) >/dev/null || { echo "python3 is missing. Next: apt install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$$($(PYTHON) --version) is too old; 3.11 or newer is needed. Next: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "python3 lacks its venv module. Next: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: requirements.lock requirements-build.lock pyproject.toml | $(VENV)/bin/pip
	$(PIPI) --require-hashes -r requirements.lock
	$(PIPI) --require-hashes -r requirements-build.lock
	$(PIPI) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.ready-dev: requirements-dev.lock $(VENV)/.ready
	$(PIPI) --require-hashes -r requirements-dev.lock
	@touch $@
