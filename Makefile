# make render renders the sketch, make test runs the tests; both install what they need into .venv first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: render test test-all lint install clean

render: install
	@$(BIN)/resynthesis render piece=after_1935/sketch

test: install lint
	$(BIN)/python -m pytest --numprocesses=auto --maxprocesses=8 --dist=worksteal

test-all: install lint
	$(BIN)/python -m pytest --numprocesses=auto --maxprocesses=8 --dist=worksteal -m ''

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

install:
	@$(PYTHON) bootstrap.py

clean:
	rm -rf .venv outputs
