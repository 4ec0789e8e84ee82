# millrace.  `make demo` and `make test` install what they need by themselves.
#
#   make            build into build/
#   make demo       see it work on real mail
#   make test       every test that CI runs
#   make bench      compare with a bare libmilter filter, side by side
#   make fuzz       fuzz every parser (FUZZ_SECONDS each)
#   make install    DESTDIR, PREFIX and SYSCONFDIR are honoured

VERSION     := 0.1.0
PREFIX      ?= /usr/local
SYSCONFDIR  ?= /etc
LIBDIR      ?= $(PREFIX)/lib
PLUGINDIR   ?= $(LIBDIR)/millrace/plugins
B           ?= build

ifeq ($(origin CC),default)
CC          := gcc
endif
# `make V=1` shows the commands.
Q           := $(if $(V),,@)
CFLAGS      ?= -O2 -g
WARNINGS    := -Wall -Wextra -Werror -Wshadow -Wcast-qual -Wstrict-prototypes \
               -Wmissing-prototypes -Wformat=2 -Wvla
HARDEN      := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
SANITIZE    ?=
CPPFLAGS    += -Iinclude -Idaemon -I$(B) -D_GNU_SOURCE \
               -DMR_VERSION='"$(VERSION)"' -DMR_PLUGINDIR='"$(PLUGINDIR)"' \
               -DMR_SYSCONFDIR='"$(SYSCONFDIR)"'
ALL_CFLAGS   = -std=gnu11 $(CFLAGS) $(WARNINGS) $(HARDEN) $(SANITIZE) \
               $(CPPFLAGS) -MMD -MP
LINK         = -pie -Wl,-z,relro,-z,now $(SANITIZE) $(LDFLAGS)
LIBS        := -lconfuse -lcjson -lsqlite3 -lsystemd -lpthread -ldl

# Everything but the three files that have a main() or libmilter.
MAINS       := daemon/process/main.c daemon/command/main.c
FRONT       := daemon/front/milter.c
CORE        := $(filter-out $(MAINS) $(FRONT),$(wildcard daemon/*/*.c))
CORE_O      := $(CORE:%.c=$(B)/%.o) $(B)/default_conf.o
PLUGINS     := $(notdir $(wildcard plugins/*))
PLUGIN_SO   := $(PLUGINS:%=$(B)/plugins/%.so)

.PHONY: all
all: $(B)/millraced $(B)/millrace $(PLUGIN_SO)

$(B)/%.o: %.c | needs
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(B)/libmillrace.a: $(CORE_O)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(B)/millraced: $(B)/daemon/process/main.o $(B)/daemon/front/milter.o \
    $(B)/libmillrace.a
	$(Q)$(CC) $(LINK) -o $@ $^ -lmilter $(LIBS)

$(B)/millrace: $(B)/daemon/command/main.o $(B)/libmillrace.a
	$(Q)$(CC) $(LINK) -o $@ $^ $(LIBS)

# The example configuration is also what runs without one.
$(B)/default_conf.c: conf/millrace.conf
	@mkdir -p $(@D)
	$(Q){ echo 'extern const char config_default_text[];'; \
	  echo 'const char config_default_text[] ='; \
	  sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/' $<; \
	  echo ';'; } > $@

$(B)/default_conf.o: $(B)/default_conf.c | needs
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# A plugin sees the public headers only, links against libc alone, and
# exports one symbol.
PLUGIN_CFLAGS = -std=gnu11 $(CFLAGS) $(WARNINGS) -fstack-protector-strong \
                -D_FORTIFY_SOURCE=2 -fPIC -fvisibility=hidden $(SANITIZE) \
                -Iinclude -D_GNU_SOURCE
PLUGIN_LINK   = -shared -Wl,-z,relro,-z,now $(SANITIZE) \
                -Wl,--version-script=include/millrace/plugin.map
ifeq ($(SANITIZE),)
PLUGIN_LINK  += -Wl,-z,defs
endif

.SECONDEXPANSION:
$(PLUGIN_SO): $(B)/plugins/%.so: $$(wildcard plugins/$$*/*.[ch]) \
    $(wildcard include/millrace/*.h) include/millrace/plugin.map | needs
	@mkdir -p $(@D)
	$(Q)$(CC) $(PLUGIN_CFLAGS) $(PLUGIN_LINK) -o $@ $(filter %.c,$^)

include tests/tests.mk

-include $(shell find $(B)/daemon $(B)/tests -name '*.d' -type f 2>/dev/null)
