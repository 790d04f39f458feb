# `make` builds the environment and runs the embedded experiment; `make test` runs all tests in it.
PYTHON ?= python3
CORES ?= all
TEST_WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := article
.PHONY: article environment clusters test lint docs soak coverage mutation audit lock bench reproduce release clean

article: environment
	snakemake --cores $(CORES)
	@echo
	@echo "The article: $(CURDIR)/results/procedural/paper.pdf"
	@echo "             $(CURDIR)/results/procedural/paper.html"

environment: $(VENV)/.complete

# Plugins of schedulers and storages, for the tests: in a folder of their own, as each start of Snakemake
# imports all that it finds.
CLUSTERS := .clusters
clusters: $(CLUSTERS)/.complete

$(CLUSTERS)/.complete: envs/clusters.lock $(VENV)/.complete
	rm -rf $(CLUSTERS)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $(CLUSTERS) -r envs/clusters.lock
	touch $@

# Without dependency resolution: the lock names every package, and nothing else may come in.
$(VENV)/.complete: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info[:2] <= (3, 13) or sys.exit("texshape: error: Python 3.11 to 3.13 is needed, found " + sys.version.split()[0] + "; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

lint: environment
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile rules
	snakemake --lint
	snakemake --lint --configfile experiments/published.yaml

test: environment clusters lint
	python -m pytest -n $(TEST_WORKERS) $(PYTEST_ARGS)

docs: environment
	mkdocs build
	@echo "The documentation: $(CURDIR)/site/index.html"

# Random kills of every kind of job; each is run again, and every byte compared.
KILLS ?= 200
SEED ?= 1
soak: environment
	python -m tests.soak --kills $(KILLS) --seed $(SEED)

# Lines and branches of src/ that the tests run, in processes that they start too.
COVERED ?= tests
coverage: environment
	python -m pytest -n $(TEST_WORKERS) --cov --cov-branch --cov-report=term:skip-covered --cov-fail-under=90 $(COVERED)

# mutmut changes the estimators in thousands of ways; the share that tests notice. About 50 minutes of one
# core; goes on where it was interrupted. `make mutation MUTMUT=results` lists what went unnoticed. In a folder
# of its own behind the environment's packages: it is no part of them.
MUTMUT ?= run --max-children $(TEST_WORKERS)
mutation: environment
	test -d .mutation || $(BIN)/python -m pip install --quiet --disable-pip-version-check --target .mutation mutmut
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -c "import sys; sys.path.append('$(CURDIR)/.mutation'); from mutmut.__main__ import cli; cli()" $(MUTMUT)

# pip-audit in a folder of its own: it is no part of the environment.
audit:
	$(PYTHON) -m venv .audit
	.audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	PATH="$(CURDIR)/.audit/bin:$$PATH" python3 tools/audit.py

# All of a release but the upload and the tag, which are left to a person. `build` and `twine` in a folder of their
# own: they are no part of the environment. Run by the environment's Python, which has what the documentation needs.
release: environment
	test -x .release/bin/twine || { $(PYTHON) -m venv .release && .release/bin/python -m pip install --quiet --disable-pip-version-check build twine; }
	$(BIN)/python tools/release.py --tools .release/bin/python

# Pins are resolved anew from the ranges in pyproject.toml (needs uv). Without `s3`, which needs an old dateutil.
lock:
	uv pip compile --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url \
	    --extra clip --extra deposit --extra docs --extra hf --extra lite --extra onnx --extra postgresql --extra slurm --extra test --extra workflow pyproject.toml -o requirements.lock
	python tools/write_conda_environment.py

# Twice from nothing, the same bytes, and against the kept tables of another run: hours.
# Shorter: TIMES=1, or EXPERIMENT=smoke (of which no tables are kept).
EXPERIMENT ?= procedural
TIMES ?= 2
reproduce: environment
	python -m tools.reproduce $(EXPERIMENT) build/reproduce/$(EXPERIMENT) --times $(TIMES) --cores $(CORES)

# A table of what is timed, kept in results/benchmarks; `make bench BENCH_ARGS=--help` lists the options.
bench: environment
	python -m benchmarks $(BENCH_ARGS)

clean:
	rm -rf results logs site .snakemake
