# What a person types here. Each target sees to its own set-up and skips what has not changed.
#
#   make lab [PORT=8888] [BROWSER=0]   JupyterLab 4 with the panel, the kfp kernel and the embedded backend
#   make test                          every test, the browser ones included
#   make soak [SEED=1]                 much more of the tests that kill, generate and repeat; prints its seed
#   make check                         linters and type checkers; `make format` repairs what they can repair
#   make constraints                   pin the newest versions that fit pyproject.toml
#   make bench                         the measurements of docs/performance.md, taken again and written there
#   make screenshots                  the pictures of docs/screenshots, taken from a real run
#   make wheel | panel | clean
#
# PYTHON=/path/to/python3.12 names the interpreter to make the environments from.

PYTHON ?= python3
VENVS := .venvs

.DEFAULT_GOAL := lab
.PHONY: lab panel test soak bench check format constraints wheel screenshots clean

lab:
	@$(PYTHON) scripts/setup.py lab
	@exec $(VENVS)/lab/bin/python scripts/lab.py $(if $(PORT),--port=$(PORT)) $(if $(filter 0,$(BROWSER)),--no-browser)

panel:
	@$(PYTHON) scripts/setup.py panel

test:
	@$(PYTHON) scripts/setup.py test
	@$(PYTHON) scripts/test.py

bench:
	@$(PYTHON) scripts/setup.py lab
	@$(VENVS)/kernel/bin/python -m benchmarks --write

soak:
	@$(PYTHON) scripts/setup.py test
	@$(PYTHON) scripts/soak.py $(SEED)

check:
	@$(PYTHON) scripts/setup.py lab tools
	@$(PYTHON) scripts/check.py

format:
	@$(PYTHON) scripts/setup.py lab tools
	@$(PYTHON) scripts/check.py --fix

constraints:
	@$(PYTHON) scripts/constraints.py

wheel:
	@$(PYTHON) scripts/setup.py wheel
	@ls dist/*.whl

screenshots:
	@$(PYTHON) scripts/setup.py test
	@$(VENVS)/lab/bin/python scripts/screenshots.py

# The embedded backend's data and your notebooks are not in these folders.
clean:
	rm -rf $(VENVS) build dist node_modules labextension/lib kfops_lab/labextension
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
