# Candlebook. Needs make, a POSIX shell and Python 3.11 to 3.13; everything else goes into .venv.
#
#   PYTHON=/path/to/python3.12   which Python makes .venv
#   PORT=8501                    where the app listens
#   CHROME=/path/to/chrome       which browser the tests use
#   NAMES="store chart"          which benchmarks run
#   TESTS=tests/test_candles.py  which tests run
#   COUNT=10000                  how many files are damaged

PY = .venv/bin/python
TESTS = tests
NAMES =
COUNT = 10000

.PHONY: help run test check lint fix bench fuzz screenshots clean

help:
	@echo "make run          start the app on port 8501 (PORT=)"
	@echo "make test         lint, types and every test"
	@echo "make check        lint, types and the tests of the code's shape: quick"
	@echo "make lint         lint and types alone"
	@echo "make fix          repair and format what can be"
	@echo "make bench        measure the bars to reach (NAMES=\"store chart\")"
	@echo "make fuzz         damage 10,000 files and read them (COUNT=500)"
	@echo "make screenshots  take the pictures of the README anew"
	@echo "make clean        remove .venv and caches; stored candles stay"

run:
	@sh scripts/run.sh

test: lint
	@$(PY) scripts/ensure_browser.py
	$(PY) -m pytest -n auto --dist loadgroup --no-loadscope-reorder --durations=15 $(TESTS)

check: lint
	$(PY) -m pytest -q --no-header tests/test_layers.py tests/test_repo.py

lint:
	@sh scripts/setup.sh dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy --strict lib

fix:
	@sh scripts/setup.sh dev
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .
	$(PY) scripts/readme.py

bench:
	@sh scripts/setup.sh dev
	@$(PY) scripts/ensure_browser.py
	$(PY) -m bench $(NAMES)

fuzz:
	@sh scripts/setup.sh dev
	$(PY) -m tests.fuzz.run --count $(COUNT)

screenshots:
	@sh scripts/setup.sh dev
	@$(PY) scripts/ensure_browser.py
	$(PY) scripts/screenshots.py

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
