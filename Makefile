# make demo   sets everything up, runs the pipeline on the bundled sample and opens the result in napari
# make test   sets everything up and runs the tests (in a virtual screen where Xvfb is there)
# make lint   what CI checks besides

VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test lint benchmark pictures docs clean

demo:
	@VENV=$(VENV) tools/setup pyqt6
	$(BIN)/napari-calcium demo --output demo_results

test:
	@VENV=$(VENV) tools/setup test
	tools/with-screen $(BIN)/python -m pytest -n 2 --dist loadgroup $(PYTEST_ARGS)

lint:
	@VENV=$(VENV) tools/setup dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

benchmark:
	@VENV=$(VENV) tools/setup dev
	cd benchmarks && ../$(BIN)/asv machine --yes && ../tools/with-screen ../$(BIN)/asv run --python=same --quick --show-stderr $(ASV_ARGS)

pictures:
	@VENV=$(VENV) tools/setup pyqt6
	tools/with-screen $(BIN)/python docs/make_pictures.py

docs:
	@VENV=$(VENV) tools/setup dev
	$(BIN)/python docs/make_reference.py

clean:
	rm -rf $(VENV) demo_results
