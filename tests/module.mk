# SPDX-License-Identifier: LGPL-2.1-or-later
# How tests are run. Every program and script speaks TAP; tests/run adds them up.

TEST_TIMEOUT ?= 120

.PHONY: check-fast check-unit check-cli
# Unit tests are built with sanitizers, in a make of their own below build/san.
check-unit: | $(O)/.packages-test
	@$(MAKE) -s --no-print-directory SANITIZE=address,undefined CFLAGS="-O1 -g" unit-bins

.PHONY: unit-bins
unit-bins: $(TEST_BINS) $(O)/xl-ext

FAST_CHECKS += check-unit
check-fast: all check-unit
	@tests/run --sanitized build/san $(patsubst $(O)/%,build/san/%,$(TEST_BINS)) $(sort $(wildcard tests/cli/*.sh tests/cli/*/*.sh))
