# SPDX-License-Identifier: LGPL-2.1-or-later
# How tests are run. Every program and script speaks TAP; tests/run adds them up.

TEST_TIMEOUT ?= 120

.PHONY: check-fast check-unit check-cli
# Unit tests are built with sanitizers, in a make of their own below build/san.
check-unit: | $(O)/.packages-test
	@$(MAKE) -s --no-print-directory SANITIZE=address,undefined CFLAGS="-O1 -g" unit-bins

.PHONY: unit-bins
unit-bins: $(TEST_BINS) $(O)/xl-ext $(O)/libxlx.so $(O)/libxlx-xl.so

FAST_CHECKS += check-unit
check-fast: all check-unit
	@tests/run fast --build $(O) --sanitized build/san $(patsubst $(O)/%,build/san/%,$(TEST_BINS)) $(sort $(wildcard tests/cli/*.sh tests/cli/*/*.sh))

# ---- on a real Xen, in the lab ----

.PHONY: check check-live check-all bench
check-live: all
	@tests/run live --core

# Both parts run to their end; the closing line adds up what they say.
check: all
	@tests/run check $(MAKE)

check-all: all
	@tests/run all $(MAKE)

# Native benchmarks are programs below tests/bench/native; those of dom0 are scripts below tests/bench.
BENCH_NATIVE = $(patsubst tests/bench/native/%.c,$(O)/tests/bench/%,$(sort $(wildcard tests/bench/native/*.c)))

$(O)/tests/bench/%: $(O)/obj/tests/bench/native/%.o $(O)/libxlx.a
	@mkdir -p $(@D)
	@$(CC) $(ALL_LDFLAGS) -o $@ $< $(O)/libxlx.a $(LIBS) $(LIB_EXTRA_LIBS)

bench: all $(BENCH_NATIVE)
	@tests/run bench $(foreach b,$(BENCH_NATIVE),--native $(b)) tests/bench

# Small programs that benchmarks in dom0 need; they go in by a "# lab: --copy" line.
BENCH_TOOLS = $(patsubst tests/bench/tools/%.c,$(O)/tests/bench/tools/%,$(sort $(wildcard tests/bench/tools/*.c)))

$(O)/tests/bench/tools/%: $(O)/obj/tests/bench/tools/%.o
	@mkdir -p $(@D)
	@$(CC) $(ALL_LDFLAGS) -o $@ $< -lxenctrl -lxenstore

bench: $(BENCH_TOOLS)

# The first thing a newcomer runs.
.PHONY: demo
demo: all
	@lab/xen-lab run lab/demo.sh

# What is broken on purpose must be noticed: tests/README.md. MUTANTS_SHARE=10 takes a tenth, chosen by MUTANTS_SEED.
MUTANTS_SHARE ?= 1
.PHONY: mutants mutants-tenth
mutants:
	@tests/mutants/run --share $(MUTANTS_SHARE) $(if $(MUTANTS_SEED),--seed $(MUTANTS_SEED)) $(MUTANTS)

mutants-tenth:
	@tests/mutants/run --share 10 $(if $(MUTANTS_SEED),--seed $(MUTANTS_SEED))
