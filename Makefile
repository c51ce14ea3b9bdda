# Each line calls the command line; `make help` lists what there is.
.DEFAULT_GOAL := help
.PHONY: help install demo test lint format bench bench-import bench-delivery bench-events bench-plan bench-render bench-warehouse bench-visits chaos chaos-caps chaos-publish fuzz eval eval-scores eval-identity eval-experiments eval-zones eval-retail docs lock clean
export DO_NOT_TRACK := 1
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
ARGS ?=

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

install: ## the virtual environment, from the lock
	@PYTHON="$(PYTHON)" sh scripts/bootstrap.sh

demo: install ## a simulated shop, live (ARGS=--once: one cycle, then a summary)
	@exec $(BIN)/rapport demo $(ARGS)

test: install lint ## all tests (ARGS=... goes to pytest)
	@$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

lint: install ## ruff, mypy, sqlfluff, import-linter
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/sqlfluff lint --processes 2 dbt_project/models

format: install ## put code into the house form
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

bench: install ## every benchmark but bench-warehouse, one table
	@$(BIN)/rapport bench $(ARGS)

bench-import: install ## 1,000,000 rows through the files path beside a plain COPY
	@$(BIN)/rapport bench import $(ARGS)

bench-delivery: install ## 200,000 messages rendered, claimed, sent and committed, beside ready messages
	@$(BIN)/rapport bench delivery $(ARGS)

chaos: install ## delivery under fire: kills, faults, crash points, controls that must fail (ARGS=... goes to the harness)
	@$(BIN)/python -m tests.chaos $(ARGS)
ifeq ($(ARGS),)
	@$(BIN)/python -m tests.model --schedules 1000000 --seed 7 --processes 2
	@$(BIN)/python -m tests.scheduler
endif

chaos-publish: install ## 100 publications, 20 builds killed, 20 readers: no error and no mixture (ARGS=... to make it shorter)
	@$(BIN)/python -m tests.chaos.publishing $(ARGS)

chaos-caps: install ## 10,000 people, five campaigns planned at once and killed, 8 senders: no cap is exceeded (ARGS="--people 2000")
	@$(BIN)/python -m tests.chaos.caps $(ARGS)

fuzz: install ## forged signatures and tokens, shuffled and doubled events, templates that mean harm
	@$(BIN)/python -m tests.fuzz $(ARGS)

eval: eval-scores eval-identity eval-experiments eval-zones eval-retail ## everything that is measured beside published figures

eval-scores: install ## every score beside its published anchors
	@$(BIN)/python -m tests.eval scoring $(ARGS)

eval-identity: install ## identity on labelled people beside Splink's own demo settings
	@$(BIN)/python -m tests.eval identity $(ARGS)

eval-experiments: install ## errors under peeking, power, and a published e-mail experiment through our own tables
	@$(BIN)/python -m tests.eval experiments $(ARGS)

eval-retail: install ## a real shop's year through the whole pipeline, beside pandas on the raw file, to the cent
	@$(BIN)/python -m tests.eval retail $(ARGS)

eval-zones: install ## every clock change of every time zone in four years: nobody woken, each occurrence once
	@$(BIN)/python -m tests.eval zones $(ARGS)

bench-events: install ## 1,000,000 provider events through the gateway beside a plain COPY
	@$(BIN)/rapport bench events $(ARGS)

bench-plan: install ## 1,000,000 customers planned for five campaigns, with a reason for each, beside plain SQL
	@$(BIN)/rapport bench plan $(ARGS)

bench-visits: install ## 150,000 visitors' events through the gateway beside a plain COPY
	@$(BIN)/rapport bench visits $(ARGS)

bench-warehouse: install ## a million customers: every mart whole, and after a day's changes (ARGS="--customers 50000")
	@$(BIN)/python -m rapport.bench.warehouse $(ARGS)

bench-render: install ## a mail of 15 KB rendered as delivery does it, beside the engine alone
	@$(BIN)/rapport bench render $(ARGS)

docs: install ## dbt's documentation of every table, under .rapport/dbt
	@$(BIN)/rapport docs

lock: install ## resolve requirements.lock anew
	@$(BIN)/uv pip compile --upgrade --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --all-extras --python-version 3.11 --no-header pyproject.toml -o requirements.lock

clean: ## stop what runs and remove .rapport and .venv
	@if [ -x $(BIN)/rapport ]; then $(BIN)/rapport demo --stop; fi
	@rm -rf .rapport .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find dags dbt_project deploy plugins src tests -type d -name __pycache__ -prune -exec rm -rf {} +
