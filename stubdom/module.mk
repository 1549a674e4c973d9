# SPDX-License-Identifier: LGPL-2.1-or-later
# What goes into a stub domain's image: init, static and without sanitizers, for it runs where there is nothing else; and what stands in for libspice.

ifeq ($(SANITIZE),)

STUBDOM_OBJS := $(patsubst %.c,$(O)/static/%.o,$(wildcard stubdom/init/*.c) base/gc.c base/json.c base/json-read.c base/error.c base/visible.c base/utf8.c base/dm-state.c \
    base/dm-state-read.c base/zero-runs.c)
STUBDOM_LIBS := -lxenvchan -lxenstore -lxengnttab -lxenevtchn -lxentoolcore -lxentoollog -l:libyajl_s.a -lseccomp

ALL_TARGETS += $(O)/stubdom/init $(O)/stubdom/libspice-server.so.1 $(O)/stubdom/build-image

$(O)/static/%.o: %.c | $(O)/.packages-build
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC    $< (static)";)$(CC) $(CPPFLAGS) -std=gnu11 $(WARNINGS) -Os -ffunction-sections -fdata-sections \
	    -fno-asynchronous-unwind-tables -fstack-protector-strong -MMD -MP -c -o $@ $<

$(O)/stubdom/init: $(STUBDOM_OBJS)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LD    $@";)$(CC) -static -Wl,--gc-sections -s -o $@ $(STUBDOM_OBJS) $(STUBDOM_LIBS)

$(O)/stubdom/spice.map: stubdom/nospice/functions.def stubdom/nospice/make-map.awk
	@mkdir -p $(@D)
	@awk -f stubdom/nospice/make-map.awk $< > $@

$(O)/stubdom/libspice-server.so.1: stubdom/nospice/spice.c stubdom/nospice/functions.def $(O)/stubdom/spice.map | $(O)/.packages-build
	$(if $(V),,@echo "  LD    $@";)$(CC) -std=gnu11 $(WARNINGS) -Os -fPIC -I. -shared -s -Wl,-z,now -Wl,-soname,$(@F) \
	    -Wl,--version-script=$(O)/stubdom/spice.map -o $@ $<

$(O)/stubdom/build-image: stubdom/build-image
	@mkdir -p $(@D)
	@install -m 755 $< $@

.PHONY: install-stubdom
install-stubdom: $(O)/stubdom/init $(O)/stubdom/libspice-server.so.1 $(O)/stubdom/build-image
	install -d $(DESTDIR)$(LIBEXECDIR)/stubdom
	install -m 755 $(filter-out %.so.1,$^) $(DESTDIR)$(LIBEXECDIR)/stubdom/
	install -m 644 $(filter %.so.1,$^) $(DESTDIR)$(LIBEXECDIR)/stubdom/

INSTALL_HOOKS += install-stubdom

-include $(STUBDOM_OBJS:.o=.d)

endif

# The parts of init that need no stub domain, compiled for the host.
TEST_OBJS_stubdom_test_dm_argv := $(O)/obj/stubdom/init/dm_argv.o
TEST_OBJS_stubdom_test_monitor_line := $(O)/obj/stubdom/init/monitor_line.o
TEST_OBJS_stubdom_test_report := $(O)/obj/stubdom/init/report.o
TEST_OBJS_stubdom_test_qmp_talk := $(O)/obj/stubdom/init/qmp_talk.o
TEST_OBJS_stubdom_test_save := $(addprefix $(O)/obj/stubdom/init/,save.o outbox.o restore.o interrupts.o)
TEST_OBJS_stubdom_test_store := $(addprefix $(O)/obj/stubdom/init/,store.o dm_argv.o report.o)
STUBDOM_BRIDGE := $(addprefix $(O)/obj/stubdom/init/,bridge.o qmp_socket.o qmp_talk.o save.o outbox.o)
TEST_OBJS_stubdom_test_bridge := $(STUBDOM_BRIDGE)
TEST_OBJS_stubdom_test_bridge_save := $(STUBDOM_BRIDGE)
# the static one: a dynamic one would not see the fakes, whose symbols are hidden
TEST_LIBS_stubdom_test_bridge := -l:libxenvchan.a
TEST_LIBS_stubdom_test_bridge_save := -l:libxenvchan.a
$(O)/tests/unit/stubdom/test_dm_argv: $(TEST_OBJS_stubdom_test_dm_argv)
$(O)/tests/unit/stubdom/test_monitor_line: $(TEST_OBJS_stubdom_test_monitor_line)
$(O)/tests/unit/stubdom/test_report: $(TEST_OBJS_stubdom_test_report)
$(O)/tests/unit/stubdom/test_qmp_talk: $(TEST_OBJS_stubdom_test_qmp_talk)
$(O)/tests/unit/stubdom/test_save: $(TEST_OBJS_stubdom_test_save)
$(O)/tests/unit/stubdom/test_store: $(TEST_OBJS_stubdom_test_store)
$(O)/tests/unit/stubdom/test_bridge $(O)/tests/unit/stubdom/test_bridge_save: $(STUBDOM_BRIDGE)

# What the live tests of stub domains put into dom0: an image from dom0's own packages, one with an intruder in the place of QEMU, a disk to boot
# from. Tests name these folders in their "# lab: --copy" lines.
ifeq ($(SANITIZE),)

STUBDOM_LIVE := $(O)/stubdom/live
STUBDOM_PARTS := $(O)/stubdom/init $(O)/stubdom/libspice-server.so.1 $(O)/stubdom/build-image

$(O)/.packages-stubdom-live: scripts/packages
	@mkdir -p $(@D)
	@scripts/need-packages lab stubdom-live
	@touch $@

$(STUBDOM_LIVE)/intruder: tests/live/stubdom/intruder.c | $(O)/.packages-build
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LD    $@";)$(CC) $(CPPFLAGS) -std=gnu11 $(WARNINGS) -Os -static -s -o $@ $< -lxenctrl -lxenforeignmemory \
	    -lxendevicemodel -lxenevtchn -lxengnttab -lxencall -lxenstore -lxentoolcore -lxentoollog

$(STUBDOM_LIVE)/image/qemu-stubdom-linux-rootfs: $(STUBDOM_PARTS) tests/live/stubdom/make-image | $(O)/.packages-stubdom-live
	tests/live/stubdom/make-image $(@D) -q

$(STUBDOM_LIVE)/intruder-image/qemu-stubdom-linux-rootfs: $(STUBDOM_LIVE)/intruder $(STUBDOM_PARTS) tests/live/stubdom/make-image | $(O)/.packages-stubdom-live
	tests/live/stubdom/make-image $(@D) -q --program $(STUBDOM_LIVE)/intruder

$(STUBDOM_LIVE)/disk: tests/live/stubdom/make-disk | $(O)/.packages-stubdom-live
	@mkdir -p $(@D)
	tests/live/stubdom/make-disk $@

# A disk with a boot sector that counts, and room for the number.
$(STUBDOM_LIVE)/counter: tests/live/stubdom/counter.S | $(O)/.packages-build
	@mkdir -p $(@D)
	@$(CC) -m32 -nostdlib -static -no-pie -Wl,--build-id=none,-Ttext,0x7c00,--oformat,binary -o $@.part $<
	@truncate -s 2M $@.part
	@mv $@.part $@

live-programs: $(STUBDOM_LIVE)/intruder $(STUBDOM_LIVE)/counter
live-parts: $(STUBDOM_LIVE)/disk $(STUBDOM_LIVE)/image/qemu-stubdom-linux-rootfs $(STUBDOM_LIVE)/intruder-image/qemu-stubdom-linux-rootfs

endif
