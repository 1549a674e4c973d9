# SPDX-License-Identifier: LGPL-2.1-or-later
# Small programs that live tests need in dom0; they go in by a "# lab: --copy" line.

LIVE_TOOLS := $(O)/tests/live/pin-override

$(O)/tests/live/pin-override: $(O)/obj/tests/live/vcpu/pin-override.o
	@mkdir -p $(@D)
	@$(CC) $(ALL_LDFLAGS) -o $@ $< -lxencall -lxentoollog

check-live check check-all: $(LIVE_TOOLS)
