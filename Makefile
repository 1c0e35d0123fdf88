# Needs make and any python3 from 3.9 on. The rest is fetched: uv pinned by version, all packages by
# hash, installed into this folder. Python 3.13 is what .python-version (pyenv) or the PATH leads to;
# where there is none, uv brings it, into its own folder.

UV_VERSION := 0.13.9
PYTHON_VERSION := $(shell cat .python-version)

UV := $(CURDIR)/.cache/uv/bin/uv
BIN := $(CURDIR)/.venv/bin
SAM := $(CURDIR)/.venv-sam/bin/sam
OLDEST := $(CURDIR)/.venv-oldest/bin/python
# Only what the template says is judged: nothing is downloaded and nothing is sent.
CHECKOV := "$(CURDIR)/.venv-checkov/bin/checkov" --framework cloudformation --skip-download \
	--quiet --compact --file
COMPILE := "$(UV)" pip compile --quiet --generate-hashes --no-header --universal \
	--python-version $(PYTHON_VERSION)
BROWSERS := chromium chromium-browser google-chrome google-chrome-stable

# What is built: for the architecture that template.yaml deploys, or for the other one. An ARCH of the
# environment does not count: other tools have their own idea of it.
ARCH := arm64
ifeq (,$(findstring |$(ARCH)|,|arm64|x86_64|))
$(error ARCH is arm64 or x86_64, not '$(ARCH)')
endif
build_folder = .aws-sam/$(if $(filter arm64,$(1)),build,$(1))
BUILD := $(call build_folder,$(ARCH))
# BuildArchitecture takes no !Ref, so another architecture is another template.
BUILD_TEMPLATE := $(dir $(BUILD))template-$(ARCH).yaml
MACHINE := $(patsubst aarch64,arm64,$(shell uname -m))
# Likewise: an ENV of the environment (a shell's own variable) must not choose what is deployed to.
ENV :=
# The examples set AWS_REGION alone; SAM reads the other one.
ifdef AWS_REGION
export AWS_DEFAULT_REGION ?= $(AWS_REGION)
endif

export SAM_CLI_TELEMETRY := 0
# Trust what this machine trusts: a company's proxy signs with its own certificate.
export UV_SYSTEM_CERTS := 1

.DEFAULT_GOAL := help
.PHONY: help presets setup setup-sam setup-oldest setup-checkov setup-ministack setup-browser demo demo-artifact dev \
	sam-local sam-services smoke check scan format test interop model faults bench-refresh build deploy deployable permissions \
	refresh-tables services troubleshooting release-shape lock clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.installed ## Create .venv with what the product, its tests and the local stack need
	@:

setup-sam: .venv-sam/.installed ## Create .venv-sam with the AWS SAM command line
	@:

setup-oldest: .venv-oldest/.installed ## Create .venv-oldest with the oldest boto3 that is claimed to work
	@:

setup-checkov: .venv-checkov/.installed ## Create .venv-checkov with the checkov scanner
	@:

setup-ministack: .venv-ministack/.installed ## Create .venv-ministack with AWS services for the fault runs
	@:

setup-browser: .venv/.installed ## Find a Chromium or Chrome for the browser tests, or install one
	@for name in $(BROWSERS); do command -v "$$name" >/dev/null && exit; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -y -qq chromium && exit; \
	fi; \
	"$(BIN)/playwright" install chromium

demo: setup ## Start the local stack, walk the journey, print each step, stop
	@"$(BIN)/python" -m local.demo

demo-artifact: setup setup-oldest ## Build for this machine, walk the demo from the build, with the oldest boto3
	@$(MAKE) --no-print-directory build ARCH=$(MACHINE)
	@"$(BIN)/python" -m local.demo --artifact "$(call build_folder,$(MACHINE))" --python "$(OLDEST)"

dev: setup ## Start the local stack and leave it running until Ctrl-C
	@"$(BIN)/python" -m local

sam-local: setup setup-sam ## Build for this machine, walk the demo behind `sam local` (needs Docker or Podman)
	@"$(BIN)/python" -m local.sam_local engine
	@$(MAKE) --no-print-directory build ARCH=$(MACHINE)
	@"$(BIN)/python" -m local.sam_local walk --sam "$(SAM)" \
		--built "$(call build_folder,$(MACHINE))/template.yaml"

sam-services: setup setup-sam ## Run what `sam local --config-env local` needs, until Ctrl-C
	@"$(BIN)/python" -m local.sam_local engine
	@$(MAKE) --no-print-directory build ARCH=$(MACHINE)
	@"$(BIN)/python" -m local.sam_local services --sam "$(SAM)" \
		--built "$(call build_folder,$(MACHINE))/template.yaml"

# The values go through the environment as they were given: no shell, and no make, reads them again.
smoke: export SMOKE_API = $(value API)
smoke: export SMOKE_MCP = $(value MCP)
smoke: export SMOKE_TOOL = $(value TOOL)
smoke: export SMOKE_ARGUMENTS = $(value ARGUMENTS)
smoke: export SMOKE_REMOVE = $(value REMOVE)
smoke: setup ## Check a deployment: make smoke API=https://… MCP=https://… [TOOL=name] [ARGUMENTS='{…}']
	@"$(BIN)/python" -m smoke "--api=$$SMOKE_API" "--mcp=$$SMOKE_MCP" "--tool=$$SMOKE_TOOL" \
		"--arguments=$$SMOKE_ARGUMENTS" "--remove=$$SMOKE_REMOVE"

check: setup setup-sam setup-checkov ## Check format, lint, types and the template
	@"$(BIN)/ruff" format --check .
	@"$(BIN)/ruff" check .
	@"$(BIN)/mypy"
	@"$(SAM)" validate --lint --region us-east-1
	@"$(BIN)/python" -m tests.unit.transformed >.cache/transformed.json
	@"$(BIN)/cfn-lint" .cache/transformed.json
	@$(MAKE) --no-print-directory scan TEMPLATE=.cache/transformed.json

scan: setup-checkov ## Scan a transformed template for unsafe settings: make scan TEMPLATE=file
	@test -s "$(TEMPLATE)" || { echo "TEMPLATE names the template to scan" >&2; exit 1; }
	@# It exits with 0 where it could read nothing, too.
	@said="$$($(CHECKOV) "$(TEMPLATE)")" && held=yes || held=; printf '%s\n' "$$said"; \
	test "$$held" && printf '%s' "$$said" | grep -q 'Passed checks: [1-9]' && \
		! printf '%s' "$$said" | grep -q 'Parsing errors'

format: setup ## Format, and mend what the linter can mend
	@"$(BIN)/ruff" format .
	@"$(BIN)/ruff" check --fix .

test: setup setup-sam setup-oldest setup-checkov setup-ministack setup-browser ## Run all tests (ARGS="-k name" for some)
	@"$(BIN)/python" -m pytest --numprocesses auto --maxprocesses 4 --dist loadgroup $(ARGS)

interop: setup ## Try independent MCP servers and clients (ARGS=--write keeps the tables)
	@"$(BIN)/python" -m tests.interop $(ARGS)

presets: setup ## Walk the journey of every preset at a stand-in for its service (ARGS="name" for some)
	@PYTHONPATH=layers/common "$(BIN)/python" -m tests.presets $(ARGS)

model: setup ## Explore the refresh protocol exhaustively (minutes)
	@PYTHONPATH=layers/common "$(BIN)/python" -m tests.model

faults: setup setup-ministack ## Break refreshes in every way there is (minutes; ARGS="name" for some)
	@"$(BIN)/python" -m tests.faults $(ARGS)

bench-refresh: setup setup-ministack ## Measure a worker's refreshes, then simulate fleets (ARGS=--write keeps both)
	@PYTHONPATH=layers/common "$(BIN)/python" -m benchmarks.refresh $(ARGS)
	@PYTHONPATH=layers/common "$(BIN)/python" -m benchmarks.fleet $(ARGS)

build: setup setup-sam $(BUILD_TEMPLATE) ## Build layer and functions, print what is in them (ARCH=x86_64 for Intel and AMD)
	@# SAM looks for samconfig.toml beside the template.
	@PATH="$(BIN):$$PATH" UV="$(UV)" PYTHON="$(BIN)/python" LAYER_ARCHITECTURE="$(ARCH)" \
		"$(SAM)" build --config-file "$(CURDIR)/samconfig.toml" \
		--template "$(BUILD_TEMPLATE)" --base-dir . --build-dir "$(BUILD)"
	@"$(BIN)/python" -m local.artifact "$(BUILD)"

$(BUILD_TEMPLATE): template.yaml Makefile
	@mkdir -p "$(@D)"
	@sed 's/arm64/$(ARCH)/' template.yaml >"$@"

deploy: deployable build ## Build and deploy (ENV=dev or ENV=prod; without, the default stack)
	@"$(SAM)" deploy $(if $(ENV),--config-env $(ENV))

deployable:
	@test "$(ARCH)" = arm64 || { echo "What is deployed is the build for arm64: leave ARCH out" >&2; exit 1; }

permissions: setup ## Write docs/security/permissions.md anew from the template
	@"$(BIN)/python" -m local.permissions >docs/security/permissions.md

refresh-tables: setup ## Write the tables of docs/refresh.md anew from the code and its tests
	@PYTHONPATH=layers/common "$(BIN)/python" -m tests.unit.refresh_tables

services: setup ## Write docs/services.md anew from the catalogue of services
	@PYTHONPATH=layers/common "$(BIN)/python" -m tests.unit.services_page

troubleshooting: setup ## Write the causes of docs/troubleshooting.md anew from the rules
	@PYTHONPATH=layers/common "$(BIN)/python" -m tests.unit.troubleshooting_page

release-shape: setup ## Write down what an update of the stack must not replace, for a release
	@"$(BIN)/python" -m tests.unit.release_shape

lock: $(UV) ## Compile the locks from pyproject.toml (ARGS=--upgrade for newer versions)
	@$(COMPILE) $(ARGS) pyproject.toml --group check --output-file requirements/dev.txt
	@$(COMPILE) $(ARGS) pyproject.toml --constraints requirements/dev.txt \
		--output-file requirements/runtime.txt
	@$(COMPILE) $(ARGS) --group sam --output-file requirements/sam.txt
	@$(COMPILE) $(ARGS) --group oldest --output-file requirements/oldest.txt
	@$(COMPILE) $(ARGS) --group checkov --output-file requirements/checkov.txt
	@$(COMPILE) $(ARGS) --group ministack --output-file requirements/ministack.txt
	@for peer in mcp-1 mcp-2 fastmcp; do \
		$(COMPILE) $(ARGS) --group "interop-$$peer" --output-file "requirements/interop-$$peer.txt" || exit; \
	done
	@for peer in tests/interop/npm/*/; do \
		npm install --prefix "$$peer" --package-lock-only --omit-lockfile-registry-resolved \
			--no-audit --no-fund --silent || exit; \
	done
	@cp requirements/runtime.txt layers/common/requirements.txt

clean: ## Remove what was built and cached; the environments stay
	@rm -rf .aws-sam .local .mypy_cache .pytest_cache .ruff_cache .hypothesis .cache/transformed.json
	@find . -name __pycache__ -not -path './.venv*' -not -path './.cache/*' -prune -exec rm -rf {} +

.venv/.installed: requirements/dev.txt | $(UV)
	@test -x "$(BIN)/python" || "$(UV)" venv --quiet --python $(PYTHON_VERSION) .venv
	@"$(UV)" pip install --quiet --python "$(BIN)/python" --require-hashes --requirements $<
	@touch $@

.venv-sam/.installed: requirements/sam.txt | $(UV)
	@test -x .venv-sam/bin/python || "$(UV)" venv --quiet --python $(PYTHON_VERSION) .venv-sam
	@"$(UV)" pip install --quiet --python .venv-sam/bin/python --require-hashes --requirements $<
	@touch $@

.venv-oldest/.installed: requirements/oldest.txt | $(UV)
	@test -x "$(OLDEST)" || "$(UV)" venv --quiet --python $(PYTHON_VERSION) .venv-oldest
	@"$(UV)" pip sync --quiet --python "$(OLDEST)" --require-hashes $<
	@touch $@

.venv-checkov/.installed: requirements/checkov.txt | $(UV)
	@test -x .venv-checkov/bin/python || "$(UV)" venv --quiet --python $(PYTHON_VERSION) .venv-checkov
	@"$(UV)" pip install --quiet --python .venv-checkov/bin/python --require-hashes --requirements $<
	@touch $@

.venv-ministack/.installed: requirements/ministack.txt | $(UV)
	@test -x .venv-ministack/bin/python || "$(UV)" venv --quiet --python $(PYTHON_VERSION) .venv-ministack
	@"$(UV)" pip install --quiet --python .venv-ministack/bin/python --require-hashes --requirements $<
	@touch $@

# A pyenv shim fails where .python-version names a Python it lacks, hence more than one candidate.
$(UV):
	@mkdir -p .cache
	@for python in python$(PYTHON_VERSION) python3 /usr/bin/python3; do \
		"$$python" -m venv --clear .cache/uv >/dev/null 2>&1 && exit; \
	done; \
	echo "python3 -m venv does not work here; on Debian and Ubuntu: apt install python3-venv" >&2; \
	exit 1
	@.cache/uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
