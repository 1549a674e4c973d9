# SPDX-License-Identifier: LGPL-2.1-or-later
# The dashboard and the alert rules in a real Prometheus.

build/.packages-prometheus: scripts/packages
	@mkdir -p $(@D)
	@scripts/need-packages prometheus
	@touch $@

.PHONY: check-prometheus
check-prometheus: all build/.packages-prometheus
	@tests/prometheus/run $(O)
