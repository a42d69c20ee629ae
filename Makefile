# make demo: set up and render a few clips.   make test: set up, lint, type-check and run every test.
PYTHON ?= $(shell command -v python3.11 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test fast-test lint setup system clean
.DEFAULT_GOAL := demo

demo: setup
	$(BIN)/kinebench demo --out demo

test: lint
	$(BIN)/python -m pytest

fast-test: setup
	$(BIN)/python -m pytest -m "not slow"

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

setup: system $(READY)

# Blender's library needs these of X and OpenGL, even without a screen. Nothing happens where they are installed.
system:
	@command -v dpkg-query >/dev/null || { echo "not Debian: install what apt.txt names yourself"; exit 0; }; \
	installed=$$(dpkg-query -W -f '$${db:Status-Abbrev} $${Package}\n' 2>/dev/null | sed -n 's/^ii *//p'); \
	missing=$$(echo "$$installed" | grep -vxFf - apt.txt || true); \
	[ -z "$$missing" ] && exit 0; \
	echo "installing" $$missing; \
	[ "$$(id -u)" = 0 ] && root="" || root=sudo; \
	$$root apt-get update -q && $$root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $$missing

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --upgrade pip
	$(BIN)/pip install -q -c constraints.txt -e ".[render,score,hub,dev]"
	SAM2_BUILD_CUDA=0 $(BIN)/pip install -q --no-deps --no-build-isolation sam2==1.1.0  # its torchvision would break torch
	touch $(READY)

clean:
	rm -rf $(VENV) demo
