# SPDX-License-Identifier: LGPL-2.1-or-later
# What runs in the place of libxl-save-helper, and what it loads into Xen's own: that finds libxenctrl there, of whatever version.

ifeq ($(SANITIZE),)

SAVE_HELPER_OBJS := $(addprefix $(O)/obj/,save-helper/main.o base/running-xen.o base/gc.o)

ALL_TARGETS += $(O)/save-helper/save-helper $(O)/save-helper/superpages.so

$(O)/save-helper/save-helper: $(SAVE_HELPER_OBJS)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LD    $@";)$(CC) $(ALL_LDFLAGS) -o $@ $^

$(O)/save-helper/superpages.so: $(O)/obj/save-helper/superpages.o
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LD    $@";)$(CC) $(ALL_LDFLAGS) -shared -o $@ $<

.PHONY: install-save-helper
install-save-helper: $(O)/save-helper/save-helper $(O)/save-helper/superpages.so
	install -d $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(LIBDIR)/xl-ext
	install -m 755 $(O)/save-helper/save-helper $(DESTDIR)$(LIBEXECDIR)/
	install -m 644 $(O)/save-helper/superpages.so $(DESTDIR)$(LIBDIR)/xl-ext/

INSTALL_HOOKS += install-save-helper

-include $(SAVE_HELPER_OBJS:.o=.d) $(O)/obj/save-helper/superpages.d

endif

TEST_OBJS_save-helper_test_superpages := $(O)/obj/save-helper/superpages.o
$(O)/tests/unit/save-helper/test_superpages: $(O)/obj/save-helper/superpages.o
