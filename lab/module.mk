# SPDX-License-Identifier: LGPL-2.1-or-later
# The lab's programs that travel into dom0 with each run (lab/xen-lab calls lab-install). Those that
# the machine itself is made of are compiled by lab/xen-lab setup.

LAB_BIN     := $(O)/lab
LAB_GUEST_O := $(patsubst %.c,$(O)/obj/lab/linux-guest/%.o,lab-guest.c guest-create.c guest-exec.c)
LAB_INIT_O  := $(patsubst %.c,$(O)/obj/lab/linux-guest/%.o,init.c serve.c xenbus.c)
LAB_GUEST_PROGRAMS := eat fill
LAB_GUEST_BINS := $(addprefix $(LAB_BIN)/guest/bin/,$(LAB_GUEST_PROGRAMS))
LAB_BINS    := $(LAB_BIN)/lab-guest $(LAB_BIN)/guest/init $(LAB_GUEST_BINS)

.PHONY: lab lab-install
lab: $(LAB_BINS) $(LAB_BIN)/guest.cpio

$(LAB_BIN)/lab-guest: $(LAB_GUEST_O)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LD    $@";)$(CC) $(ALL_LDFLAGS) -o $@ $^ -lxenstore

# In guests there are no libraries.
$(LAB_BIN)/guest/init: $(LAB_INIT_O)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LD    $@";)$(CC) $(LDFLAGS) -static -s -o $@ $^

$(LAB_GUEST_BINS): $(LAB_BIN)/guest/bin/%: $(O)/obj/lab/linux-guest/%.o
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LD    $@";)$(CC) $(LDFLAGS) -static -s -o $@ $^

$(LAB_BIN)/guest.cpio: $(LAB_BIN)/guest/init $(LAB_GUEST_BINS)
	@cd $(LAB_BIN)/guest && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet > ../guest.cpio

lab-install: lab
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/xl-ext-lab
	install -m 755 $(LAB_BIN)/lab-guest $(DESTDIR)$(PREFIX)/bin/
	install -m 644 $(LAB_BIN)/guest.cpio $(DESTDIR)$(PREFIX)/lib/xl-ext-lab/

-include $(LAB_GUEST_O:.o=.d) $(LAB_INIT_O:.o=.d) $(patsubst %,$(O)/obj/lab/linux-guest/%.d,$(LAB_GUEST_PROGRAMS))
