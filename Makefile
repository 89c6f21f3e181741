# Everything a newcomer types.  `make` alone says what there is.
#
# Variables reach the commands through the environment:
#   PATTERN RUNTIME MANAGE CACHE_SECONDS PORT_BASE PORT_GATEWAY … NAME FOLLOW WHO SKU QUANTITY WHAT WAIT FROM TO
#   ONLY RESUME QUICK ARGS PYTHON

PY := .venv/bin/python
READY := .venv/in-step
STRANGERS := tests/strangers/node_modules/.in-step
RIVALS := scenarios/bench/node/node_modules/.in-step
export ARGS

# The processes of a shop keep what Python compiles; so do the tests, or each worker compiles every one of them again.
unexport PYTHONDONTWRITEBYTECODE

# WSL sets NAME to the name of the machine, which nobody meant.
STORIES := $(patsubst scenarios/stories/%.py,%,$(wildcard scenarios/stories/*.py))
ifeq ($(origin NAME)$(filter $(NAME),ca idp gateway orders inventory billing $(STORIES)),environment)
unexport NAME
endif

.PHONY: help up down restart status logs order token rotate scenario scenarios compare report bench diff \
  build test stories lint check matrix sabotage doctor clean

help:
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@printf '\nPATTERN is perimeter, basic, subsystem, mtls, oauth2, jwt or zerotrust, and is remembered.\n'
	@printf 'RUNTIME is compose or local; PORT_BASE=9100 puts a second shop beside the first.\n'
	@printf 'MANAGE=1 opens the management door of the identity provider, for tests, on loopback.\n'
	@printf 'CACHE_SECONDS=5 lets services use what the identity provider said again, for 5 s (oauth2, zerotrust).\n'

##@ The shop

up: $(READY) ## start it under a pattern:     make up PATTERN=jwt
	@$(PY) -m compose up

down: $(READY) ## end it, and its data with it
	@$(PY) -m compose down

restart: $(READY) ## restart it, or one process:   make restart NAME=orders
	@$(PY) -m compose restart

status: $(READY) ## who runs, where, since when, and how they are
	@$(PY) -m compose status

logs: $(READY) ## what they said:               make logs NAME=orders FOLLOW=1
	@$(PY) -m compose logs

##@ Try it

order: $(READY) ## place an order, hop by hop:   make order WHO=alice SKU=book QUANTITY=2
	@$(PY) -m scenarios order

token: $(READY) ## print an access token:        make token WHO=alice
	@$(PY) -m scenarios token

rotate: $(READY) ## change a credential under load: make rotate WHAT=certificate NAME=orders
	@$(PY) -m scenarios rotate

##@ Attack it, and compare

scenario: $(READY) ## one scenario, and why:        make scenario NAME=forge_the_user
	@$(PY) -m scenarios scenario

scenarios: $(READY) ## all of them, against the shop that runs
	@$(PY) -m scenarios scenarios

compare: $(READY) ## everything, under every pattern: the evidence, the tables, the report (ONLY=… RESUME=1)
	@$(PY) -m scenarios compare

report: $(READY) ## write report/index.html again from the evidence
	@$(PY) -m scenarios report

bench: $(READY) $(RIVALS) ## what each lock costs, measured:  make bench QUICK=1 ONLY=hop
	@$(PY) -m scenarios bench

diff: $(READY) ## from pattern to pattern:       make diff FROM=basic TO=jwt
	@$(PY) -m scenarios diff

##@ Work on it

test: $(READY) $(STRANGERS) ## run the tests:                make test ARGS="--pattern jwt --runtime local"
	@$(PY) -m pytest -n auto $(ARGS)

stories: $(READY) ## the scenarios, in containers too: make stories ARGS="--pattern jwt"
	@$(PY) -m pytest -n auto --stories tests/test_scenarios.py $(ARGS)

lint: $(READY) ## look for mistakes, and check the types
	@$(PY) -m ruff check .
	@$(PY) -m mypy

check: lint test ## lint, then test: what CI runs first

matrix: $(READY) ## write the README's tables and the table of coverage again
	@$(PY) -m scenarios matrix

sabotage: $(READY) ## break each guard on purpose, and see that a test notices
	@$(PY) -m scenarios sabotage

build: $(READY) ## build the containers' image, if its sources changed
	@$(PY) -m compose build

doctor: $(READY) ## say what is missing or wrong, and how to mend it
	@$(PY) -m compose doctor

clean: $(READY) ## end every shop; remove .run, caches and the image
	@$(PY) -m compose clean

$(READY): requirements-dev.txt
	@sh compose/venv.sh

# Clients and servers in JavaScript, to try the identity provider with and to measure it beside; skipped without them.
$(STRANGERS) $(RIVALS): %/node_modules/.in-step: %/package-lock.json
	@cd $* && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null && touch node_modules/.in-step || \
	  echo 'npm (with Node.js 20) could not install what is in $*: it will be skipped' >&2
