# SPDX-License-Identifier: LGPL-2.1-or-later
# What others read: a dashboard for Grafana, alert rules for Prometheus, hooks for libvirt and xendomains.

DATADIR ?= $(PREFIX)/share/xl-ext
INSTALL_HOOKS += install-share

# Also a link by which xl-ext is xl, for those that have it first in their PATH.
.PHONY: install-share
install-share:
	install -d $(DESTDIR)$(DATADIR)/grafana $(DESTDIR)$(DATADIR)/prometheus $(DESTDIR)$(DATADIR)/hooks $(DESTDIR)$(LIBEXECDIR)/bin
	install -m 644 share/grafana/xl-ext.json $(DESTDIR)$(DATADIR)/grafana/
	install -m 644 share/prometheus/xl-ext.rules.yml $(DESTDIR)$(DATADIR)/prometheus/
	install -m 755 share/hooks/libvirt share/hooks/libvirt-sizes $(DESTDIR)$(DATADIR)/hooks/
	sed 's|@LIBEXECDIR@|$(LIBEXECDIR)|g' share/hooks/xendomains.conf > $(DESTDIR)$(DATADIR)/hooks/xendomains.conf
	ln -sfnr $(DESTDIR)$(BINDIR)/xl-ext $(DESTDIR)$(LIBEXECDIR)/bin/xl
