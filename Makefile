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
OUR_CPPFLAGS := -I. -Ilibxl-plugins -Ilibxl-plugins/include -D_GNU_SOURCE -DHAVE_YAJL_YAJL_VERSION_H -D_FORTIFY_SOURCE=2 \
            -DXLX_VERSION='"$(VERSION)"' -DXLX_LIBDIR='"$(LIBDIR)"' -DXLX_PLUGINDIR='"$(PLUGINDIR)"' \
            -DXLX_LIBEXECDIR='"$(LIBEXECDIR)"'
# Those of the environment are kept. A make below this one finds all of these in its environment.
CPPFLAGS := $(filter-out $(OUR_CPPFLAGS),$(CPPFLAGS)) $(OUR_CPPFLAGS)
ALL_CFLAGS = -std=gnu11 $(WARNINGS) $(CFLAGS) $(SANFLAGS) -fPIC -fstack-protector-strong -fno-semantic-interposition -ffunction-sections -fdata-sections -MMD -MP
ALL_LDFLAGS = $(LDFLAGS) $(SANFLAGS) $(SAN_LDFLAGS) -Wl,--as-needed -Wl,-O1 -Wl,-z,relro -Wl,-z,now
LIBS     := -lxenlight -lxlutil -lxenguest -lxenctrl -lxenevtchn -lxenstore -lxentoollog -luv -lyajl

ifneq ($(SANITIZE),)
CPPFLAGS := $(filter-out -D_FORTIFY_SOURCE=2,$(CPPFLAGS))
endif

# libxlx.so holds what does without libxl: base, xenstore, balloon, monitor, the memory commands and most of core. The
# other commands, and what they need of core, are in libxlx-xl.so. Only host-info is in the tool itself.
ALL_SRCS  := $(sort $(wildcard base/*.c xenstore/*.c libxl-plugins/*/*.c libxl-plugins/*/*/*.c))
HOST_SRCS := $(filter-out %/xen.c,$(filter libxl-plugins/host/%,$(ALL_SRCS)))
XLX_SRCS  := $(filter base/% xenstore/% libxl-plugins/balloon/% libxl-plugins/qmp/cmd-common.c libxl-plugins/monitor/% libxl-plugins/memory/% libxl-plugins/core/%, \
    $(filter-out $(addprefix libxl-plugins/core/,config.c libxl-op.c loop.c wake.c xen-boot.c xl.c),$(ALL_SRCS)))
XL_SRCS   := $(filter-out $(XLX_SRCS) $(HOST_SRCS),$(ALL_SRCS))
# The tool: xl-ext/, with the tables of all commands, but the code of host-info alone (docs/startup.md).
TOOL_SRCS  := $(sort $(wildcard xl-ext/*.c))
TABLE_SRCS := $(filter-out $(HOST_SRCS),$(filter %/plugin.c,$(ALL_SRCS)) $(foreach s,$(ALL_SRCS),$(if $(filter cmd-%,$(notdir $s)),$s)))
objects = $(patsubst %.c,$(O)/obj/%.o,$(1))
LIB_OBJS   := $(call objects,$(ALL_SRCS))
TOOL_OBJS  := $(call objects,$(TOOL_SRCS))
TABLE_OBJS := $(patsubst %.c,$(O)/tables/%.o,$(TABLE_SRCS))
HOST_OBJS  := $(call objects,$(filter base/%,$(ALL_SRCS)) $(addprefix libxl-plugins/core/,ao.c ctx.c subprocess.c) $(HOST_SRCS))
TEST_SRCS := $(sort $(wildcard tests/unit/*.c tests/unit/*/*.c))
TEST_BINS := $(patsubst tests/unit/%.c,$(O)/tests/unit/%,$(filter tests/unit/test_%.c $(foreach d,$(wildcard tests/unit/*/),$(d)test_%.c),$(TEST_SRCS)))

ALL_TARGETS := $(O)/libxlx.so $(O)/libxlx-xl.so $(O)/xl-ext

# A recipe that failed leaves nothing that looks made.
.DELETE_ON_ERROR:

.PHONY: all
all:

# Folders with targets of their own.
include $(sort $(wildcard */module.mk */*/module.mk))

all: $(ALL_TARGETS)

# Debian packages that are missing: "make deps" installs them, and so do the two goals that a newcomer types first;
# every other goal names them and stops.
ifneq ($(filter deps demo check,$(MAKECMDGOALS)),)
NEED_PACKAGES := install
export NEED_PACKAGES
endif

.PHONY: deps
deps:
	@scripts/need-packages build test lab

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
	@echo '$(VERSION) $(LIBDIR) $(PLUGINDIR) $(LIBEXECDIR)' | cmp -s - $@ || echo '$(VERSION) $(LIBDIR) $(PLUGINDIR) $(LIBEXECDIR)' > $@

.PHONY: force
$(O)/obj/xl-ext/dispatch.o $(O)/obj/xl-ext/plugins.o $(O)/obj/xl-ext/library.o: $(O)/.settings

# What the tool and its libraries must have in common: base/build.h.
$(O)/gen/build.h: $(ALL_SRCS) $(TOOL_SRCS) $(wildcard */*.h libxl-plugins/*/*.h libxl-plugins/*/*/*.h) Makefile $(O)/.settings | $(O)/.packages-build
	@mkdir -p $(@D)
	@scripts/known-xen "$$(pkg-config --modversion xenlight | cut -d. -f1,2)"
	@{ printf '#define XLX_BUILD_ID "%s"\n' "$$(cat $^ | sha256sum | cut -c1-32)"; \
	    printf '#define XLX_BUILD_XEN "%s"\n' "$$(pkg-config --modversion xenlight | cut -d. -f1,2)"; } > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(O)/obj/base/build.o: $(O)/gen/build.h
CPPFLAGS_base := -I$(O)

# Objects are made anew when the compiler's flags change.
$(O)/.flags: force
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(CC) $(CPPFLAGS) $(ALL_CFLAGS))' | cmp -s - $@ || echo '$(subst ','\'',$(CC) $(CPPFLAGS) $(ALL_CFLAGS))' > $@

$(O)/obj/%.o: %.c $(O)/.flags | $(O)/.packages-build
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC    $<";)$(CC) $(CPPFLAGS) $(CPPFLAGS_$(subst /,_,$(*D))) $(ALL_CFLAGS) -c -o $@ $<

# The tables of commands without their code; the linker drops what the commands' files hold besides.
$(O)/tables/%.o: %.c $(O)/.flags | $(O)/.packages-build
	@mkdir -p $(@D)
	$(if $(V),,@echo "  TABLE $<";)$(CC) $(CPPFLAGS) $(filter-out $(SANFLAGS),$(ALL_CFLAGS)) -DXLX_TABLES_ONLY -Wno-unused -c -o $@ $<

$(O)/libxlx.so.$(SOVERSION): $(call objects,$(XLX_SRCS)) libxl-plugins/libxlx.map
	$(if $(V),,@echo "  LD    $@";)$(CC) $(ALL_LDFLAGS) -shared -Wl,-Bsymbolic -Wl,-z,defs -Wl,-soname,$(@F) \
	    -Wl,--version-script=libxl-plugins/libxlx.map -o $@ $(filter %.o,$^) $(LIBS)

$(O)/libxlx-xl.so: $(call objects,$(XL_SRCS) base/build.c) libxl-plugins/libxlx-xl.map $(O)/libxlx.so
	$(if $(V),,@echo "  LD    $@";)$(CC) $(ALL_LDFLAGS) -shared -Wl,-Bsymbolic -Wl,-z,defs \
	    -Wl,--version-script=libxl-plugins/libxlx-xl.map -o $@ $(filter %.o,$^) -L$(O) -lxlx $(LIBS) $(LIB_EXTRA_LIBS)

$(O)/libxlx.so: $(O)/libxlx.so.$(SOVERSION)
	@ln -sf $(<F) $@

# For unit tests, which look inside.
$(O)/libxlx.a: $(LIB_OBJS)
	@rm -f $@
	@ar rcs $@ $^

# It links no library that belongs to one version of Xen.
$(O)/xl-ext: $(TOOL_OBJS) $(TABLE_OBJS) $(HOST_OBJS)
	$(if $(V),,@echo "  LD    $@";)$(CC) $(ALL_LDFLAGS) -pie -Wl,--gc-sections -o $@ $^ -luv -lyajl

# Other fakes or flags for a test make it anew, too.
.PRECIOUS: $(O)/link/%
$(O)/link/%: force
	@mkdir -p $(@D)
	@echo '$(TEST_OBJS_$(subst /,_,$*)) $(TEST_LIBS_$(subst /,_,$*))' | cmp -s - $@ || \
	    echo '$(TEST_OBJS_$(subst /,_,$*)) $(TEST_LIBS_$(subst /,_,$*))' > $@

$(O)/tests/unit/%: $(O)/obj/tests/unit/%.o $(O)/libxlx.a $(O)/link/% | $(O)/.packages-test
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LD    $@";)$(CC) $(ALL_LDFLAGS) -o $@ $< $(TEST_OBJS_$(subst /,_,$*)) $(O)/libxlx.a $(TEST_LIBS_$(subst /,_,$*)) -lcmocka $(LIBS) $(LIB_EXTRA_LIBS)

$(O)/obj/tests/unit/%.o: | $(O)/.packages-test

.PHONY: install
install: all
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(LIBDIR)/xl-ext $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PLUGINDIR) \
	    $(DESTDIR)$(MANDIR)/man1
	install -m 755 $(O)/xl-ext $(DESTDIR)$(BINDIR)/xl-ext
	install -m 644 $(O)/libxlx.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libxlx.so.$(SOVERSION)
	ln -sf libxlx.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libxlx.so
	install -m 644 $(O)/libxlx-xl.so $(DESTDIR)$(LIBDIR)/xl-ext/libxlx-xl.so
	install -m 644 libxl-plugins/include/xlx.h libxl-plugins/include/xlx-plugin.h $(DESTDIR)$(PREFIX)/include/
	sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@LIBDIR@|$(LIBDIR)|g' -e 's|@VERSION@|$(VERSION)|g' \
	    -e 's|@PLUGINDIR@|$(PLUGINDIR)|g' libxl-plugins/xlx.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/xlx.pc
	$(foreach hook,$(INSTALL_HOOKS),$(MAKE) -s $(hook) DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' &&) true

.PHONY: install-sanitizers
install-sanitizers:
	for library in $$(ldd $(O)/xl-ext | awk '$$1 ~ /^lib(a|ub|t|l)san/ { print $$3 }'); do \
	    install -m 644 $$library $(DESTDIR)$(LIBDIR)/ || exit; \
	done

# What "make install" with the same folders would put down.
.PHONY: uninstall
uninstall: all
	rm -rf $(O)/uninstall
	$(MAKE) -s install DESTDIR='$(CURDIR)/$(O)/uninstall' PREFIX='$(PREFIX)'
	scripts/uninstall '$(DESTDIR)' $(O)/uninstall

.PHONY: clean
clean:
	rm -rf build

-include $(LIB_OBJS:.o=.d) $(TOOL_OBJS:.o=.d) $(TABLE_OBJS:.o=.d) $(patsubst %.c,$(O)/obj/%.d,$(TEST_SRCS))
