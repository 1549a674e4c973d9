# SPDX-License-Identifier: LGPL-2.1-or-later
# The manual and the completion, both from the tables of the tool.

BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR ?= $(PREFIX)/share/zsh/site-functions

# The day of the last entry of the changelog, so that the same sources give the same pages.
MANUAL_DATE = $(shell awk '/^ -- / { print $$(NF - 2), $$(NF - 3), $$(NF - 4); exit }' debian/changelog | \
    awk '{ printf "%d-%02d-%02d", $$1, (index("JanFebMarAprMayJunJulAugSepOctNovDec", $$2) + 2) / 3, $$3 }')

# All pages of the manual, in one folder.
MANUAL := $(O)/man
MANUAL_SOURCES := docs/man/assemble docs/man/json-members libxl-plugins/include/xlx.h $(wildcard docs/man/*.in docs/man/commands/*.man)
ALL_TARGETS += $(MANUAL)/xl-ext.1

$(MANUAL)/xl-ext.1: $(O)/xl-ext $(MANUAL_SOURCES)
	@XL_EXT_PLUGIN_PATH=/nonexistent VERSION='$(VERSION)' DATE='$(MANUAL_DATE)' PLUGINDIR='$(PLUGINDIR)' \
	    DATADIR='$(DATADIR)' docs/man/assemble $< docs/man libxl-plugins/include/xlx.h $(MANUAL)

INSTALL_HOOKS += install-docs
.PHONY: install-docs
install-docs: $(MANUAL)/xl-ext.1
	install -d $(DESTDIR)$(BASHCOMPDIR)
	for page in $(MANUAL)/*; do \
	    folder=$(DESTDIR)$(MANDIR)/man$${page##*.} && install -d $$folder && \
	    gzip -9nc $$page > $$folder/$${page##*/}.gz && chmod 644 $$folder/$${page##*/}.gz || exit; \
	done
	install -m 644 docs/completion/xl-ext.bash $(DESTDIR)$(BASHCOMPDIR)/xl-ext
	install -d $(DESTDIR)$(ZSHCOMPDIR)
	sed -e 's|@BASHCOMPDIR@|$(BASHCOMPDIR)|g' docs/completion/_xl-ext > $(DESTDIR)$(ZSHCOMPDIR)/_xl-ext

# Help, manual and tables say the same, and neither groff nor mandoc has anything to complain about.
$(LINT)/manual.ok: scripts/lint/manual $(MANUAL)/xl-ext.1 $(MANUAL_SOURCES) | build/.packages-lint
	@mkdir -p $(@D)
	@XL_EXT_PLUGIN_PATH=/nonexistent scripts/lint/manual $(O)/xl-ext $(MANUAL) docs/man/commands
	@touch $@

LINT_STAMPS += $(LINT)/manual.ok
