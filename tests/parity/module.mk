# SPDX-License-Identifier: LGPL-2.1-or-later
#
# make parity: real QEMU against real Xen guests, see docs/parity-differences.md.
# make parity-golden: ask QEMU 7.2 again for what "make check" compares with (a quarter of an hour).

PARITY_TYPES ?= pv pvh hvm

$(O)/.packages-parity: scripts/packages
	@mkdir -p $(@D)
	@scripts/need-packages build lab parity
	@touch $@

.PHONY: parity parity-golden
ifeq ($(RELEASE),)
parity: all | $(O)/.packages-parity
	tests/parity/run $(PARITY_TYPES)
else
parity: | $(O)/.packages-parity
	@scripts/check-release $(RELEASE) parity $(PARITY_TYPES)
endif

parity-golden: $(O)/xl-ext-agent | $(O)/.packages-parity
	tests/parity/guest-image build/parity $(O)/xl-ext-agent
	python3 tests/parity/parity.py record qemu --slow --kernel build/parity/vmlinuz --initramfs build/parity/initramfs \
	    --folder build/parity/qemu --out tests/parity/qemu-7.2.json
