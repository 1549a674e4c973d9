# SPDX-License-Identifier: LGPL-2.1-or-later
# The manual and the completion of bash, both from the tables of the tool.

BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions

ALL_TARGETS += $(O)/xl-ext.1

$(O)/xl-ext.1: $(O)/xl-ext docs/man/assemble docs/man/xl-ext.1.in $(wildcard docs/man/commands/*.man)
	@XL_EXT_PLUGIN_PATH=/nonexistent docs/man/assemble $< docs/man/xl-ext.1.in docs/man/commands > $@.new
	@sed -e 's|@VERSION@|$(VERSION)|g' -e 's|@PLUGINDIR@|$(PLUGINDIR)|g' $@.new > $@ && rm $@.new

INSTALL_HOOKS += install-docs
.PHONY: install-docs
install-docs: $(O)/xl-ext.1
	install -d $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(BASHCOMPDIR)
	gzip -9nc $(O)/xl-ext.1 > $(DESTDIR)$(MANDIR)/man1/xl-ext.1.gz
	chmod 644 $(DESTDIR)$(MANDIR)/man1/xl-ext.1.gz
	install -m 644 docs/completion/xl-ext.bash $(DESTDIR)$(BASHCOMPDIR)/xl-ext

# Help, manual and tables say the same, and roff has nothing to complain about.
$(LINT)/manual.ok: scripts/lint/manual $(O)/xl-ext.1 $(wildcard docs/man/commands/*.man) | build/.packages-lint
	@mkdir -p $(@D)
	@XL_EXT_PLUGIN_PATH=/nonexistent scripts/lint/manual $(O)/xl-ext $(O)/xl-ext.1 docs/man/commands
	@touch $@

LINT_STAMPS += $(LINT)/manual.ok
