# SPDX-License-Identifier: LGPL-2.1-or-later

UNITDIR ?= /lib/systemd/system
SYSCONFDIR ?= /etc
INSTALL_HOOKS += install-memd

# The administrator's memd.cfg is kept.
.PHONY: install-memd
install-memd:
	install -d $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSCONFDIR)/init.d $(DESTDIR)$(SYSCONFDIR)/xl-ext
	sed -e 's|@BINDIR@|$(BINDIR)|g' libxl-plugins/memd/xl-ext-memd.service.in \
	    > $(DESTDIR)$(UNITDIR)/xl-ext-memd.service
	install -m 644 libxl-plugins/memd/xl-ext-metrics.socket $(DESTDIR)$(UNITDIR)/xl-ext-metrics.socket
	sed -e 's|@BINDIR@|$(BINDIR)|g' libxl-plugins/memd/xl-ext-memd.openrc.in \
	    > $(DESTDIR)$(SYSCONFDIR)/init.d/xl-ext-memd
	chmod 755 $(DESTDIR)$(SYSCONFDIR)/init.d/xl-ext-memd
	[ -e $(DESTDIR)$(SYSCONFDIR)/xl-ext/memd.cfg ] || \
	    install -m 644 libxl-plugins/memd/memd.cfg $(DESTDIR)$(SYSCONFDIR)/xl-ext/memd.cfg
