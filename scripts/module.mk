# SPDX-License-Identifier: LGPL-2.1-or-later
#
# make lint: everything that can be said about the sources without running them. Each source has a stamp below
# build/lint, so that only what has changed is looked at again; "make -j lint" looks at several at once.

LINT := build/lint

# The lists cost two runs of find, which other goals need not pay for.
ifneq ($(filter lint%,$(MAKECMDGOALS)),)
LINT_FOLDERS := base xenstore libxl-plugins xl-ext agent stubdom lab tests scripts docs share
LINT_ALL     := $(sort $(shell find $(wildcard $(LINT_FOLDERS)) .ci Makefile -type f -not -name '*.pyc'))
LINT_C       := $(filter %.c %.h,$(LINT_ALL))
LINT_SCRIPTS := $(shell grep -lE '^\#!.*[/ ](ba)?sh( |$$)' $(filter-out %.c %.h tests/fuzz/corpus/%,$(LINT_ALL)))
LINT_SPDX    := $(filter-out %.md %.svg %.json tests/fuzz/corpus/%,$(LINT_ALL)) # those whose format has comments
endif

LINT_STAMPS = $(LINT_C:%=$(LINT)/%.ok) $(LINT_SCRIPTS:%=$(LINT)/%.shell-ok) $(LINT)/dependencies.ok $(LINT)/spdx.ok

.PHONY: lint lint-files
lint: all
	@$(MAKE) -k --no-print-directory lint-files
	@echo "lint: $(words $(LINT_C)) sources, $(words $(LINT_SCRIPTS)) scripts: no finding"

lint-files: $(LINT_STAMPS)

build/.packages-lint: scripts/packages
	@mkdir -p $(@D)
	@scripts/need-packages build test lint
	@touch $@

LINT_FLAGS = $(filter-out -D_FORTIFY_SOURCE=2,$(CPPFLAGS)) -std=gnu11 $(WARNINGS)

$(LINT)/%.c.ok: %.c .clang-tidy .clang-format scripts/lint/source scripts/lint/cppcheck-suppressions | build/.packages-lint
	@mkdir -p $(@D)
	@echo "  LINT  $<"
	@scripts/lint/source $< $@ $(LINT_FLAGS) $(CPPFLAGS_$(subst /,_,$(*D)))

$(LINT)/%.h.ok: %.h .clang-format scripts/lint/source | build/.packages-lint
	@mkdir -p $(@D)
	@echo "  LINT  $<"
	@scripts/lint/source $< $@ $(LINT_FLAGS) $(CPPFLAGS_$(subst /,_,$(*D)))

$(LINT)/%.shell-ok: % .shellcheckrc | build/.packages-lint
	@mkdir -p $(@D)
	@echo "  LINT  $<"
	@shellcheck --severity=warning $<
	@touch $@

$(LINT)/dependencies.ok: scripts/lint/dependencies $(LINT_C) | build/.packages-lint
	@mkdir -p $(@D)
	@scripts/lint/dependencies $(LINT_C)
	@touch $@

$(LINT)/spdx.ok: scripts/lint/spdx $(LINT_SPDX) | build/.packages-lint
	@mkdir -p $(@D)
	@scripts/lint/spdx $(LINT_SPDX)
	@touch $@

ifneq ($(filter lint%,$(MAKECMDGOALS)),)
-include $(LINT_C:%=$(LINT)/%.ok.d)
endif

# The agent is built with musl; the rest compiles with it.
.PHONY: check-musl
check-musl: $(O)/gen/build.h
	@scripts/check-musl $(filter-out -D_FORTIFY_SOURCE=2,$(CPPFLAGS)) -I$(O) -std=gnu11 $(WARNINGS) -- \
	    $(ALL_SRCS) $(TOOL_SRCS) $(wildcard agent/*.c stubdom/*.c)
