# SPDX-License-Identifier: LGPL-2.1-or-later
# lab-puppet: domains without a kernel, played from dom0.

PUPPET_OBJS := $(patsubst %.c,$(O)/obj/%.o,$(wildcard lab/puppet/*.c))

$(O)/lab/lab-puppet: $(PUPPET_OBJS)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LD    $@";)$(CC) $(ALL_LDFLAGS) -o $@ $^ -lxenlight -lxenguest -lxenctrl -lxenstore -lxentoollog

.PHONY: lab lab-install puppet-install
lab: $(O)/lab/lab-puppet

puppet-install: $(O)/lab/lab-puppet
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $< $(DESTDIR)$(PREFIX)/bin/lab-puppet

lab-install: puppet-install

-include $(PUPPET_OBJS:.o=.d)
