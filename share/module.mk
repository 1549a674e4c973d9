# SPDX-License-Identifier: LGPL-2.1-or-later
# What others read: a dashboard for Grafana, alert rules for Prometheus.

DATADIR ?= $(PREFIX)/share/xl-ext
INSTALL_HOOKS += install-share

.PHONY: install-share
install-share:
	install -d $(DESTDIR)$(DATADIR)/grafana $(DESTDIR)$(DATADIR)/prometheus
	install -m 644 share/grafana/xl-ext.json $(DESTDIR)$(DATADIR)/grafana/
	install -m 644 share/prometheus/xl-ext.rules.yml $(DESTDIR)$(DATADIR)/prometheus/
