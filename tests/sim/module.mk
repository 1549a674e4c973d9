# SPDX-License-Identifier: LGPL-2.1-or-later
# The simulator: the balancer of the library on a simulated host.

SIM_SRCS := $(sort $(wildcard tests/sim/*.c))
# Its guests decide what to tell as real ones do.
SIM_OBJS := $(patsubst %.c,$(O)/obj/%.o,$(SIM_SRCS)) $(O)/obj/agent/looks.o

$(O)/tests/xl-ext-sim: $(SIM_OBJS) $(O)/libxlx.a
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LD    $@";)$(CC) $(ALL_LDFLAGS) -o $@ $(SIM_OBJS) $(O)/libxlx.a $(LIBS) $(LIB_EXTRA_LIBS)

ALL_TARGETS += $(O)/tests/xl-ext-sim

-include $(SIM_OBJS:.o=.d)

# Within 6 minutes on two processors.
.PHONY: check-sim-all
check-sim-all: $(O)/tests/xl-ext-sim
	@$(O)/tests/xl-ext-sim --random 1-5000 & first=$$!; \
	$(O)/tests/xl-ext-sim --random 5001-10000; second=$$?; \
	wait $$first && exit $$second
