# SPDX-License-Identifier: LGPL-2.1-or-later
# Small programs that live tests need in dom0; they go in by a "# lab: --copy" line.

LIVE_TOOLS := $(O)/tests/live/pin-override $(O)/tests/live/kill-memd $(O)/tests/live/libxlx-program $(O)/tests/live/triple-fault $(O)/tests/live/guest-memory

$(O)/tests/live/pin-override: $(O)/obj/tests/live/vcpu/pin-override.o
	@mkdir -p $(@D)
	@$(CC) $(ALL_LDFLAGS) -o $@ $< -lxencall -lxentoollog

$(O)/tests/live/kill-memd: $(O)/obj/tests/live/balance/kill-memd.o
	@mkdir -p $(@D)
	@$(CC) $(ALL_LDFLAGS) -o $@ $< -lxenctrl -lxenstore

$(O)/tests/live/triple-fault: tests/live/lab/triple-fault.S
	@mkdir -p $(@D)
	@$(CC) -m32 -nostdlib -static -no-pie -Wl,-Ttext-segment=0x200000,-e,entry,--build-id=none -o $@ $<

$(O)/tests/live/guest-memory: $(O)/obj/tests/live/migrate/guest-memory.o
	@mkdir -p $(@D)
	@$(CC) $(ALL_LDFLAGS) -o $@ $< -lxenctrl -lxenforeignmemory

# As somebody else builds it.
$(O)/tests/live/libxlx-program: $(O)/obj/tests/cli/plugin/program.o $(O)/libxlx.so
	@mkdir -p $(@D)
	@$(CC) $(ALL_LDFLAGS) -Wl,-rpath,$(LIBDIR) -o $@ $< -L$(O) -lxlx -lxentoollog

live-programs: $(LIVE_TOOLS)
