# SPDX-License-Identifier: LGPL-2.1-or-later
# The QMP server over a balloon that is only numbers: for tests that need the protocol and no Xen.

QMP_SERVER_SRCS := $(wildcard tests/qmp-server/*.c)

$(O)/tests/qmp-server: $(patsubst %.c,$(O)/obj/%.o,$(QMP_SERVER_SRCS)) $(O)/libxlx.a
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LD    $@";)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(O)/libxlx.a $(LIBS) $(LIB_EXTRA_LIBS)

ALL_TARGETS += $(O)/tests/qmp-server
unit-bins: $(O)/tests/qmp-server

-include $(patsubst %.c,$(O)/obj/%.d,$(QMP_SERVER_SRCS))
