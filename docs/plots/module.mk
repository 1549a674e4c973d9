# SPDX-License-Identifier: LGPL-2.1-or-later
# make plots: the pictures and the table of docs/balance.md, made anew from the simulator. make plots-lab: what guests of a
# real Xen hold. make pictures: mem-top on a simulated host.

build/.packages-plots: scripts/packages
	@mkdir -p $(@D)
	@scripts/need-packages plots
	@touch $@

.PHONY: plots
plots: $(O)/tests/xl-ext-sim | build/.packages-plots
	for scenario in rates-differ load-goes-round; do \
	    docs/plots/plot $< tests/sim/scenarios/$$scenario.json docs/balance-$$scenario.svg || exit; \
	done
	docs/plots/starved $< docs/balance.md docs/balance-starved.svg tests/sim/scenarios/*.json \
	    $(wildcard tests/sim/scenarios/open/*.json)

.PHONY: plots-lab pictures
plots-lab: all build/.packages-plots
	lab/xen-lab run docs/plots/lab-run > $(O)/lab-run.figures
	docs/plots/draw $(O)/lab-run.figures docs/memory-moves.svg

pictures: all build/.packages-plots
	docs/pictures/mem-top $(O) docs/mem-top.svg
