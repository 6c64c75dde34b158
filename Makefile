# The usual ways to build and test pulk. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup build demo test bench asan tsan format clean

JOBS ?= $(shell nproc)
VENV := $(CURDIR)/.deps/venv

# $(call compile,preset)
define compile
@mkdir -p build
@cmake --preset $(1) >build/configure-$(1).log 2>&1 || { cat build/configure-$(1).log; exit 1; }
cmake --build --preset $(1) --parallel $(JOBS)
endef

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup:  ## install compilers, libraries and test tools (does nothing the second time)
	@scripts/setup.sh

build: setup  ## build build/release/pulk
	$(call compile,release)

demo: build  ## move a TPC-H sample from SQLite to DuckDB, killed half-way and resumed
	PATH="$(VENV)/bin:$$PATH" PULK_TPCHGEN="$${PULK_TPCHGEN:-$(VENV)/bin/tpchgen-cli}" build/release/pulk demo

test: build  ## build, then run all tests, and the fuzzers for half a minute
	$(call compile,fuzz)
	ctest --preset release --parallel $(JOBS)
	ctest --preset fuzz --parallel $(JOBS)

bench: build  ## pulk beside its peers and beside the floors, about 40 minutes; see bench/README.md
	@scripts/setup.sh --bench
	cmake --build --preset release --target pulk_bench_drain pulk_bench_delay_proxy pulk_bench_odbc_drain
	$(VENV)/bin/python3 bench/run.py $(BENCH)
	$(VENV)/bin/python3 bench/odbc.py
	$(VENV)/bin/python3 bench/sqlserver.py
	$(VENV)/bin/python3 bench/snowflake.py

asan: setup  ## all tests with AddressSanitizer and UndefinedBehaviorSanitizer
	$(call compile,debug)
	ctest --preset debug --parallel $(JOBS)

tsan: setup  ## all tests with ThreadSanitizer
	$(call compile,tsan)
	ctest --preset tsan --parallel $(JOBS)

format: setup  ## format the C++ sources in place
	@git ls-files -z --cached --others --exclude-standard '*.h' '*.cpp' | xargs -0 -r $(VENV)/bin/clang-format -i

clean:  ## remove build/ (what `make setup` installed stays)
	rm -rf build
