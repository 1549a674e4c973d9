# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The agent for Linux guests: static and against musl, so that it is one small file that runs in any guest. It is
# never instrumented; its parsers are, in tests/unit/agent and tests/fuzz.

AGENT_CC     ?= musl-gcc
AGENT_CFLAGS ?= -Os
AGENT_SRCS   := agent/agent.c agent/faults.c agent/looks.c agent/stats.c agent/xenbus.c

ALL_TARGETS += $(O)/xl-ext-agent

$(O)/xl-ext-agent: $(AGENT_SRCS) $(wildcard agent/*.h) | $(O)/.packages-build
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LD    $@";)$(AGENT_CC) -I. -D_GNU_SOURCE -std=gnu11 $(WARNINGS) $(AGENT_CFLAGS) -static -s \
	    -ffunction-sections -fdata-sections -Wl,--gc-sections -o $@ $(AGENT_SRCS)

TEST_OBJS_agent_test_stats := $(O)/obj/agent/stats.o
TEST_OBJS_agent_test_looks := $(O)/obj/agent/looks.o
TEST_OBJS_agent_test_xenbus := $(O)/obj/agent/xenbus.o
$(O)/tests/unit/agent/test_stats: $(O)/obj/agent/stats.o
$(O)/tests/unit/agent/test_looks: $(O)/obj/agent/looks.o
$(O)/tests/unit/agent/test_xenbus: $(O)/obj/agent/xenbus.o

# What xl-ext agent-kit makes its archive of; in guests all of it is the administrator's, below /usr/local and /etc.
AGENT_KIT := $(addprefix $(O)/agent-kit/,xl-ext-agent xl-ext-agent.service xl-ext-agent.openrc xl-ext-agent.sysctl)
ALL_TARGETS += $(AGENT_KIT)

$(O)/agent-kit/xl-ext-agent: $(O)/xl-ext-agent
	@mkdir -p $(@D)
	@cp $< $@

$(O)/agent-kit/xl-ext-agent.%: agent/xl-ext-agent.%.in
	@mkdir -p $(@D)
	@sed 's|@SBINDIR@|/usr/local/sbin|g' $< > $@

$(O)/agent-kit/xl-ext-agent.sysctl: agent/xl-ext-agent.sysctl
	@mkdir -p $(@D)
	@cp $< $@

# On the host it lies ready to be given to guests.
INSTALL_HOOKS += install-agent-for-guests
.PHONY: install-agent-for-guests
install-agent-for-guests: $(AGENT_KIT)
	install -d $(DESTDIR)$(LIBEXECDIR)
	install -m 755 $(O)/agent-kit/xl-ext-agent $(DESTDIR)$(LIBEXECDIR)/
	install -m 644 $(filter-out %/xl-ext-agent,$(AGENT_KIT)) $(DESTDIR)$(LIBEXECDIR)/

# Into a guest's tree: make install-agent DESTDIR=/mnt/guest PREFIX=/usr
.PHONY: install-agent
install-agent: $(O)/xl-ext-agent
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/lib/sysctl.d $(DESTDIR)/etc/init.d $(DESTDIR)$(MANDIR)/man8
	sed -e 's|@VERSION@|$(VERSION)|g' -e 's|@DATE@|$(MANUAL_DATE)|g' docs/man/xl-ext-agent.8.in > $(DESTDIR)$(MANDIR)/man8/xl-ext-agent.8
	install -m 755 $< $(DESTDIR)$(PREFIX)/sbin/xl-ext-agent
	sed 's|@SBINDIR@|$(PREFIX)/sbin|g' agent/xl-ext-agent.service.in > $(DESTDIR)$(PREFIX)/lib/systemd/system/xl-ext-agent.service
	sed 's|@SBINDIR@|$(PREFIX)/sbin|g' agent/xl-ext-agent.openrc.in > $(DESTDIR)/etc/init.d/xl-ext-agent
	chmod 755 $(DESTDIR)/etc/init.d/xl-ext-agent
	install -m 644 agent/xl-ext-agent.sysctl $(DESTDIR)$(PREFIX)/lib/sysctl.d/60-xl-ext-agent.conf

# Fetches OpenRC, so it is no part of "make check".
.PHONY: check-openrc
check-openrc: all
	@scripts/check-openrc
