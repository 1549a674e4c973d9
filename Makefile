# SPDX-License-Identifier: LGPL-2.1-or-later
#
# One non-recursive make. Sources are found by folder; a folder with targets of its own says so in its module.mk,
# which is included at the end. Everything made goes below build/: SANITIZE=... builds below build/san, and
# "make CC=clang O=build/clang" leaves the rest of build/ alone.

VERSION  := 0.1.0
SOVERSION := 0
PREFIX   ?= /usr/local
DESTDIR  ?=
LIBDIR   ?= $(PREFIX)/lib
BINDIR   ?= $(PREFIX)/sbin
MANDIR   ?= $(PREFIX)/share/man
PLUGINDIR ?= $(LIBDIR)/xl-ext/plugins
LIBEXECDIR ?= $(PREFIX)/libexec/xl-ext

CC       ?= gcc
SANITIZE ?=
ifneq ($(SANITIZE),)
comma    := ,
O        := build/san$(if $(filter-out address$(comma)undefined,$(SANITIZE)),-$(subst $(comma),-,$(SANITIZE)))
# The run time of the sanitizers is installed beside the library, so that the live tests can run on it too.
SANFLAGS := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_LDFLAGS := -Wl,-rpath,$(LIBDIR)
INSTALL_HOOKS += install-sanitizers
else
O        := build
SANFLAGS :=
endif

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla \
            -Wundef -Wformat=2 -Wno-unused-parameter -Wno-missing-field-initializers
CFLAGS   ?= -O2 -g
CPPFLAGS += -I. -Ilibxl-plugins -Ilibxl-plugins/include -D_GNU_SOURCE -DHAVE_YAJL_YAJL_VERSION_H -D_FORTIFY_SOURCE=2 \
            -DXLX_VERSION='"$(VERSION)"' -DXLX_PLUGINDIR='"$(PLUGINDIR)"' -DXLX_LIBEXECDIR='"$(LIBEXECDIR)"'
ALL_CFLAGS = -std=gnu11 $(WARNINGS) $(CFLAGS) $(SANFLAGS) -fPIC -fvisibility=hidden -MMD -MP
ALL_LDFLAGS = $(LDFLAGS) $(SANFLAGS) $(SAN_LDFLAGS) -Wl,--as-needed -Wl,-O1 -Wl,-z,relro
LIBS     := -lxenlight -lxlutil -lxenguest -lxenctrl -lxenevtchn -lxenstore -lxentoollog -luv -lyajl

ifneq ($(SANITIZE),)
CPPFLAGS := $(filter-out -D_FORTIFY_SOURCE=2,$(CPPFLAGS))
endif

# The library: everything below base/, xenstore/ and libxl-plugins/. The tool: xl-ext/.
LIB_SRCS  := $(sort $(wildcard base/*.c xenstore/*.c libxl-plugins/*/*.c libxl-plugins/*/*/*.c))
TOOL_SRCS := $(sort $(wildcard xl-ext/*.c))
BASE_OBJS := $(patsubst %.c,$(O)/obj/%.o,$(filter base/%,$(LIB_SRCS)))
LIB_OBJS  := $(patsubst %.c,$(O)/obj/%.o,$(LIB_SRCS))
TOOL_OBJS := $(patsubst %.c,$(O)/obj/%.o,$(TOOL_SRCS))
TEST_SRCS := $(sort $(wildcard tests/unit/*.c tests/unit/*/*.c))
TEST_BINS := $(patsubst tests/unit/%.c,$(O)/tests/unit/%,$(filter tests/unit/test_%.c $(foreach d,$(wildcard tests/unit/*/),$(d)test_%.c),$(TEST_SRCS)))

ALL_TARGETS := $(O)/libxlx.so $(O)/xl-ext

.PHONY: all
all:

# Folders with targets of their own.
include $(sort $(wildcard */module.mk */*/module.mk))

all: $(ALL_TARGETS)

# The first command of a fresh machine: what make itself needs is installed once, when a compiler run would fail.
$(O)/.packages-build: scripts/packages
	@mkdir -p $(@D)
	@scripts/need-packages build
	@touch $@

$(O)/.packages-test: scripts/packages
	@mkdir -p $(@D)
	@scripts/need-packages build test
	@touch $@

# What stands in the objects besides the sources: "make install PREFIX=..." after "make" must not keep the old paths.
# (A goal that changes nothing leaves the file, and so the objects, alone.)
$(O)/.settings: force
	@mkdir -p $(@D)
	@echo '$(VERSION) $(PLUGINDIR) $(LIBEXECDIR)' | cmp -s - $@ || echo '$(VERSION) $(PLUGINDIR) $(LIBEXECDIR)' > $@

.PHONY: force
$(O)/obj/xl-ext/dispatch.o $(O)/obj/xl-ext/light/main.o $(O)/obj/libxl-plugins/core/plugin.o: $(O)/.settings

$(O)/obj/%.o: %.c | $(O)/.packages-build
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC    $<";)$(CC) $(CPPFLAGS) $(CPPFLAGS_$(subst /,_,$(*D))) $(ALL_CFLAGS) -c -o $@ $<

$(O)/libxlx.so.$(SOVERSION): $(LIB_OBJS) libxl-plugins/libxlx.map
	$(if $(V),,@echo "  LD    $@";)$(CC) $(ALL_LDFLAGS) -shared -Wl,-soname,libxlx.so.$(SOVERSION) \
	    -Wl,--version-script=libxl-plugins/libxlx.map -o $@ $(LIB_OBJS) $(LIBS) $(LIB_EXTRA_LIBS)

$(O)/libxlx.so: $(O)/libxlx.so.$(SOVERSION)
	@ln -sf $(<F) $@

# For unit tests, which look inside.
$(O)/libxlx.a: $(LIB_OBJS)
	@rm -f $@
	@ar rcs $@ $^

# The whole tool. It finds the library beside itself in build/, and in LIBDIR when installed.
$(O)/xl-ext-full: $(TOOL_OBJS) $(BASE_OBJS) $(O)/libxlx.so
	$(if $(V),,@echo "  LD    $@";)$(CC) $(ALL_LDFLAGS) -o $@ $(TOOL_OBJS) $(BASE_OBJS) -L$(O) -lxlx \
	    -Wl,-rpath,'$$ORIGIN:$(LIBDIR)' -lxentoollog -luv -lyajl $(TOOL_EXTRA_LIBS)

# The light one, which runs the memory commands without libxl and hands the rest on: docs/startup.md.
LIGHT_OBJS := $(patsubst %.c,$(O)/obj/%.o,$(filter base/% xenstore/% libxl-plugins/memory/% libxl-plugins/balloon/%,$(LIB_SRCS)) \
    $(addprefix libxl-plugins/core/,ao.c ctx.c domain.c plugin.c sampler.c) \
    $(filter-out xl-ext/main.c,$(TOOL_SRCS)) xl-ext/light/main.c)

$(O)/gen/full-commands.h: $(O)/xl-ext-full
	@mkdir -p $(@D)
	@XL_EXT_PLUGIN_PATH=/nonexistent $< help --tables | awk -F'\t' '$$1 == "command" || $$1 == "checks" { printf "\"%s\",\n", $$2 }' > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(O)/obj/xl-ext/light/main.o: $(O)/gen/full-commands.h
CPPFLAGS_xl-ext_light := -I$(O)

$(O)/xl-ext: $(LIGHT_OBJS)
	$(if $(V),,@echo "  LD    $@";)$(CC) $(ALL_LDFLAGS) -o $@ $(LIGHT_OBJS) -lxenctrl -lxenstore -lxentoollog -luv -lyajl

$(O)/tests/unit/%: $(O)/obj/tests/unit/%.o $(O)/libxlx.a | $(O)/.packages-test
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LD    $@";)$(CC) $(ALL_LDFLAGS) -o $@ $< $(TEST_OBJS_$(subst /,_,$*)) $(O)/libxlx.a $(TEST_LIBS_$(subst /,_,$*)) -lcmocka $(LIBS) $(LIB_EXTRA_LIBS)

$(O)/obj/tests/unit/%.o: | $(O)/.packages-test

.PHONY: install
install: all
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PLUGINDIR) \
	    $(DESTDIR)$(MANDIR)/man1
	install -d $(DESTDIR)$(LIBEXECDIR)
	install -m 755 $(O)/xl-ext $(DESTDIR)$(BINDIR)/xl-ext
	install -m 755 $(O)/xl-ext-full $(DESTDIR)$(LIBEXECDIR)/xl-ext-full
	install -m 644 $(O)/libxlx.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libxlx.so.$(SOVERSION)
	ln -sf libxlx.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libxlx.so
	install -m 644 libxl-plugins/include/xlx.h $(DESTDIR)$(PREFIX)/include/xlx.h
	sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@LIBDIR@|$(LIBDIR)|g' -e 's|@VERSION@|$(VERSION)|g' \
	    -e 's|@PLUGINDIR@|$(PLUGINDIR)|g' libxl-plugins/xlx.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/xlx.pc
	$(foreach hook,$(INSTALL_HOOKS),$(MAKE) -s $(hook) DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' &&) true

.PHONY: install-sanitizers
install-sanitizers:
	for library in $$(ldd $(O)/xl-ext | awk '$$1 ~ /^lib(a|ub|t|l)san/ { print $$3 }'); do \
	    install -m 644 $$library $(DESTDIR)$(LIBDIR)/ || exit; \
	done

.PHONY: clean
clean:
	rm -rf build

-include $(LIB_OBJS:.o=.d) $(TOOL_OBJS:.o=.d) $(O)/obj/xl-ext/light/main.d $(patsubst %.c,$(O)/obj/%.d,$(TEST_SRCS))
