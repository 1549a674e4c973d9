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

.PHONY: check check-live check-all bench live-programs live-parts
# What goes into dom0 besides xl-ext itself.
live-programs: all
live-parts: live-programs
bench: live-parts

# RELEASE=trixie: that release's Xen, in a tree of its own.
ifeq ($(RELEASE),)
check-live: live-parts
	@tests/run live --core

# Both parts run to their end; the closing line adds up what they say.
check: live-parts
	@tests/run check $(MAKE)

check-all: live-parts
	@tests/run all $(MAKE)
else
check-live check-all:
	@scripts/check-release $(RELEASE) $@
endif

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

# A hard night in the lab: SECONDS long, the same dice for the same SOAK_SEED. build/soak.json, and a plot of it in build/soak.svg.
.PHONY: soak
$(O)/tests/soak/look: $(O)/obj/tests/soak/look.o
	@mkdir -p $(@D)
	@$(CC) $(ALL_LDFLAGS) -o $@ $< -lxenctrl -lxenstore

soak: all $(O)/tests/soak/look
	@tests/soak/run $(if $(filter file command,$(origin SECONDS)),$(SECONDS),1200) $(SOAK_SEED)

# Which lines unit tests, command line and simulator run: all of them once more, built with gcov's counters below
# build/cov. The report ends in shares; build/coverage.txt has the lines that were not run.
COVERAGE := O=build/cov CFLAGS="-Og -g --coverage" LDFLAGS=--coverage
.PHONY: coverage coverage-run
coverage:
	@find build/cov -name '*.gcda' -delete 2>/dev/null || :
	@$(MAKE) -s --no-print-directory $(COVERAGE) all unit-bins
	@$(MAKE) -s --no-print-directory $(COVERAGE) coverage-run; status=$$?; \
	    tests/coverage/report build/cov build/coverage.txt && exit $$status

coverage-run:
	@env -u CFLAGS -u LDFLAGS -u MAKEFLAGS tests/run fast --build $(O) --sanitized $(O) $(TEST_BINS) $(sort $(wildcard tests/cli/*.sh tests/cli/*/*.sh))
