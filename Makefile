# Footpath: every task of the repository. `make help` lists them; each one sets up what it needs.
# A fresh Debian with python3 (3.11 or newer), python3-venv, make and git is enough.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
JOBS ?= 2
SEED ?= 1
# Requests of `make prove`: any number may be asked for; a large one is parted into worlds, one for each core at a time.
N ?= 100000

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
READY := $(VENV)/.ready
SAM_READY := $(VENV)/.sam-ready
TEMPLATE_READY := $(VENV)/.template-ready
PEERS_READY := $(VENV)/.peers-ready
FUZZ_READY := $(VENV)/.fuzz-ready
# Of `make fuzz-bytes`: how long each target gets.
SECONDS ?= 60
# Absolute, so that a recipe that changes folder still finds the tools.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export UV_PYTHON_DOWNLOADS := never
# Where the machine has a list of authorities, uv should go by it: a company's proxy may have one of its own.
export UV_SYSTEM_CERTS ?= $(if $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt),1,0)
# Where `make sam-local` has unpacked the runtime's Python, for the layer's bytecode; behind all others.
export PATH := $(PATH):$(CURDIR)/$(VENV)/runtime
export SAM_CLI_TELEMETRY := 0
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.PHONY: help
help: ## Show this list
	@printf 'Footpath. Start with:  make demo\n\n'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@printf '\nVariables: PYTHON=%s (what .venv is made from), JOBS=%s (test processes), SEED=%s (of fuzz and prove),\n           N=%s (requests of prove), KEEP=1 (sam-local: the engine stays),\n           CASES= EXPECTED= (folders for conformance), ALSO= (other Pythons for bench)\n' \
		'$(PYTHON)' '$(JOBS)' '$(SEED)' '$(N)'

# ── the two commands of the README ─────────────────────────────────────────────────────────────────────────────────
.PHONY: demo
demo: $(READY) ## Send 1,000 real credit applications through the real handlers, and ask why
	@$(PY) -m footpath_cli demo
	@printf '\n`footpath` is $(BIN)/footpath; `source $(BIN)/activate` puts it on your path.\n'

.PHONY: test
test: $(READY) $(SAM_READY) lint ## Check style, types and templates, then run every test
	@$(PY) -m pytest -n $(JOBS)

# ── parts of it ────────────────────────────────────────────────────────────────────────────────────────────────────
.PHONY: setup
setup: $(READY) $(SAM_READY) ## Make .venv from the lock files (again only when they change)

.PHONY: lint
lint: $(READY) ## Check style (ruff), types (pyright and mypy, strict) and the template (cfn-lint)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/pyright --project pyproject.toml
	@$(BIN)/pyright --project tests/typing
	@$(BIN)/mypy
	@$(BIN)/cfn-lint template.yaml

.PHONY: lint-template
lint-template: $(READY) $(SAM_READY) $(TEMPLATE_READY) ## Check template and workflow with cfn-lint, sam validate, checkov, zizmor
	@$(BIN)/cfn-lint template.yaml infra/deployer.yaml
	@$(BIN)/sam validate --lint --region us-east-1
	@$(VENV)/template/bin/checkov -f template.yaml infra/deployer.yaml --framework cloudformation --quiet --compact --skip-download
	@$(VENV)/template/bin/zizmor --offline --quiet --config .github/zizmor.yml .github/workflows

.PHONY: format
format: $(READY) ## Put the code into the house style
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

.PHONY: conformance
conformance: $(READY) ## Run the conformance cases against footprintjs's recorded answers
	@$(PY) -m tests.conformance $(if $(CASES),--cases $(CASES)) $(if $(EXPECTED),--expected $(EXPECTED))

.PHONY: fuzz
fuzz: $(READY) ## Try the laws and the semantics on far more generated charts than `make test` does
	@FOOTPATH_FUZZ=1 $(PY) -m pytest -n $(JOBS) tests/unit tests/property
	@for generator in lines dense mutants; do \
		$(PY) -m tests.conformance.fuzz --generator $$generator --seeds $$(($(SEED))),$$(($(SEED) + 1)),$$(($(SEED) + 2)) --cases 2000 || \
		{ test $$? = 2 && echo 'Not compared with footprintjs: it is not here.' && break; } || exit 1; done

.PHONY: fuzz-bytes
fuzz-bytes: $(FUZZ_READY) ## Throw bytes at every door, guided by coverage (atheris): SECONDS a target, TARGETS or all
	@PYTHONPATH=engine_layer:. $(VENV)/fuzz/bin/python -m tests.fuzz --seconds $(SECONDS) --seed $(SEED) $(TARGETS)

.PHONY: prove
prove: $(READY) ## Try to lose a trace: N requests under every fault, in virtual time, and count
	@$(PY) -m footpath_cli prove --count $(N) --seed $(SEED)

.PHONY: bench
bench: $(READY) $(PEERS_READY) ## Measure the budgets, side by side with other tracers, and with footprintjs where Node is there
	@$(PY) -m bench $(if $(ALSO),--also $(ALSO))

.PHONY: build
build: $(READY) $(SAM_READY) ## Build what `sam deploy` deploys, into .aws-sam/build
	@$(BIN)/sam validate --lint --region us-east-1
	@$(BIN)/sam build --region us-east-1
	@test -n "$$(find .aws-sam/build/EngineLayer -name '*.pyc' -print -quit)" || \
		echo 'Note: without a Python 3.13 on this machine the layer has no bytecode; cold starts will be slower.'

.PHONY: sam-host
sam-host: $(READY) $(SAM_READY) ## Run what was built on Lambda's interface without containers; `make test` has it too
	@$(PY) -m pytest -q tests/sam/test_host.py

.PHONY: sam-local
sam-local: $(READY) $(SAM_READY) ## Run what was built by `sam local`, in containers on Lambda's Python (docs/local.md)
	@$(PY) -m infra.local $(if $(KEEP),--keep) || { test $$? = 3 && \
		printf '\n!!! NOT RUN: sam-local, for the reason above. `make sam-host` goes the same way without containers.\n\n'; }

.PHONY: sam-local-stop
sam-local-stop: $(READY) ## Stop the Docker Engine that `make sam-local KEEP=1` left running
	@$(PY) -m infra.local --stop

.PHONY: clean
clean: ## Remove what was built, measured and cached; .venv and sam-local's cache outside the tree stay
	@rm -rf .aws-sam build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -path ./$(VENV) -prune -o -name __pycache__ -type d -print | xargs -r rm -rf

.PHONY: lock
lock: $(READY) ## Resolve the lock files again from pyproject.toml (needs the network)
	@$(LOCK) --group uv -o locks/uv.txt
	@$(LOCK) --group sam -o locks/sam.txt
	@$(LOCK) --group template -o locks/template.txt
	@$(LOCK) --group lambda --constraint locks/dev.txt -o locks/lambda.txt
	@$(LOCK) --group fuzz pyproject.toml --constraint locks/dev.txt -o locks/fuzz.txt
	@$(LOCK) --group dev --extra cli pyproject.toml -o locks/dev.txt
	@$(LOCK) --constraint locks/dev.txt --group peers -o locks/peers.txt
	@$(LOCK) --constraint locks/dev.txt pyproject.toml -o engine_layer/requirements.txt
# Hashes, and no addresses: whoever installs decides where packages come from.
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links

# ── environments ───────────────────────────────────────────────────────────────────────────────────────────────────
# One for us, and inside it one for the SAM CLI, whose pins would hold ours back.
$(READY): pyproject.toml locks/uv.txt locks/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Footpath needs Python 3.11 or newer; this is %d.%d. Try: make setup PYTHON=python3.12" % sys.version_info[:2])'
	@echo 'setting up $(VENV) (once)'
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/uv.txt
	@$(BIN)/uv pip sync --quiet --python $(PY) --require-hashes --link-mode copy locks/dev.txt locks/uv.txt
	@$(BIN)/uv pip install --quiet --python $(PY) --no-deps --no-build-isolation --offline --editable .
	@touch $@

# Other tracers, for `make bench` alone; without them (no network, say) it measures the rest, and says so.
$(PEERS_READY): $(READY) locks/peers.txt
	@echo 'setting up the tracers to compare with in $(VENV)/peers (once)'
	@test -x $(VENV)/peers/bin/python || $(PYTHON) -m venv --without-pip $(VENV)/peers
	@if $(BIN)/uv pip sync --quiet --python $(VENV)/peers/bin/python --require-hashes --link-mode copy locks/peers.txt; \
		then touch $@; else echo 'The tracers could not be installed; the rest is measured without them.'; fi

$(SAM_READY): $(READY) locks/sam.txt locks/lambda.txt engine_layer/requirements.txt
	@echo 'setting up the SAM CLI in $(VENV)/sam (once)'
	@test -x $(VENV)/sam/bin/python || $(PYTHON) -m venv --without-pip $(VENV)/sam
	@$(BIN)/uv pip sync --quiet --python $(VENV)/sam/bin/python --require-hashes --link-mode copy locks/sam.txt
	@ln -sf ../sam/bin/sam $(BIN)/sam
	@# Brings what layers and Lambda's runtime are made of into uv's cache, so that later builds and tests need no network.
	@layer="$$(mktemp -d)"; trap 'rm -rf "$$layer"' EXIT; for python in 3.13 "$$($(PY) -c 'import sys; print("%d.%d" % sys.version_info[:2])')"; do \
		$(MAKE) --no-print-directory -C engine_layer build-EngineLayer ARTIFACTS_DIR="$$layer" PYTHONS="$$python" 2>/dev/null; \
		$(PY) -c 'import sys; from pathlib import Path; from infra.local import install_runtime; install_runtime(Path(sys.argv[1]), sys.argv[2])' \
			"$$layer/runtime-$$python" "$$python"; done
	@touch $@

# One for coverage-guided fuzzing, which only `make fuzz-bytes` needs.
$(FUZZ_READY): $(READY) locks/fuzz.txt
	@echo 'setting up the fuzzer in $(VENV)/fuzz (once)'
	@test -x $(VENV)/fuzz/bin/python || $(PYTHON) -m venv --without-pip $(VENV)/fuzz
	@$(BIN)/uv pip sync --quiet --python $(VENV)/fuzz/bin/python --require-hashes --link-mode copy locks/fuzz.txt
	@touch $@

$(TEMPLATE_READY): $(READY) locks/template.txt
	@echo 'setting up checkov and zizmor in $(VENV)/template (once)'
	@test -x $(VENV)/template/bin/python || $(PYTHON) -m venv --without-pip $(VENV)/template
	@$(BIN)/uv pip sync --quiet --python $(VENV)/template/bin/python --require-hashes --link-mode copy locks/template.txt
	@touch $@
