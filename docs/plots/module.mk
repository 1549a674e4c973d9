# SPDX-License-Identifier: LGPL-2.1-or-later
# make plots: the pictures of docs/balance.md, drawn anew from the simulator.

build/.packages-plots: scripts/packages
	@mkdir -p $(@D)
	@scripts/need-packages plots
	@touch $@

.PHONY: plots
plots: $(O)/tests/xl-ext-sim | build/.packages-plots
	for scenario in rates-differ load-goes-round; do \
	    docs/plots/plot $< tests/sim/scenarios/$$scenario.json docs/balance-$$scenario.svg || exit; \
	done
