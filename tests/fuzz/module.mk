# SPDX-License-Identifier: LGPL-2.1-or-later
#
# make fuzz [FUZZ_SECONDS=60] [FUZZ=name ...]
#
# A target is one file tests/fuzz/fuzz_NAME.c with LLVMFuzzerTestOneInput() and inputs to start from in
# tests/fuzz/corpus/NAME/. What it is linked with stands in its head comment, one line each, wildcards allowed:
#
#     FUZZ_SRCS: agent/stats.c base/*.c
#     FUZZ_LIBS: -lyajl
#
# Each is built with libFuzzer, ASan and UBSan into build/fuzz/NAME and runs for FUZZ_SECONDS. What it learns is
# collected in build/fuzz/corpus/NAME; an input that breaks it is left as build/fuzz/NAME-crash-*.

FUZZ_SECONDS ?= 60
FUZZ ?= $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_CC ?= clang
FUZZ_CFLAGS := -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

# $(call fuzz-field,NAME,FIELD)
fuzz-field = $(shell sed -n 's/^ \* $(2): *//p' tests/fuzz/fuzz_$(1).c)

build/.packages-fuzz: scripts/packages
	@mkdir -p $(@D)
	@scripts/need-packages build fuzz
	@touch $@

.SECONDEXPANSION:
build/fuzz/%: tests/fuzz/fuzz_%.c $$(wildcard $$(call fuzz-field,$$*,FUZZ_SRCS)) | build/.packages-fuzz
	@mkdir -p $(@D)
	$(if $(V),,@echo "  FUZZ  $@";)$(FUZZ_CC) $(filter-out -D_FORTIFY_SOURCE=2,$(CPPFLAGS)) -std=gnu11 $(WARNINGS) \
	    $(FUZZ_CFLAGS) -o $@ $(filter %.c,$^) $(call fuzz-field,$*,FUZZ_LIBS)

.PHONY: fuzz fuzz-build
fuzz-build: $(addprefix build/fuzz/,$(FUZZ))

fuzz: fuzz-build
	tests/fuzz/run $(FUZZ_SECONDS) $(FUZZ)
