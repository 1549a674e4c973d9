# SPDX-License-Identifier: LGPL-2.1-or-later

UNITDIR ?= /lib/systemd/system
INSTALL_HOOKS += install-memd

.PHONY: install-memd
install-memd:
	install -d $(DESTDIR)$(UNITDIR)
	sed -e 's|@BINDIR@|$(BINDIR)|g' libxl-plugins/memd/xl-ext-memd.service.in \
	    > $(DESTDIR)$(UNITDIR)/xl-ext-memd.service
