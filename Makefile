# millrace.  `make demo` and `make test` install what they need by themselves.
#
#   make            build into build/
#   make demo       see it work on real mail
#   make test       every test that CI runs
#   make bench      compare with a bare libmilter filter, side by side
#   make fuzz       fuzz every parser (FUZZ_SECONDS each)
#   make install    DESTDIR, PREFIX and SYSCONFDIR are honoured
#
# HYPERSCAN=1 lets the plugin rules look for its patterns with Hyperscan; give
# it to "make install" as well.

VERSION     := 0.1.0
PREFIX      ?= /usr/local
SYSCONFDIR  ?= /etc
LIBDIR      ?= $(PREFIX)/lib
PLUGINDIR   ?= $(LIBDIR)/millrace/plugins
B           ?= build
HYPERSCAN   ?=
PKG_CONFIG  ?= pkg-config

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
LIBS        := -lconfuse -lcjson -lsqlite3 -lsystemd -lidn2 -lpsl -lunbound \
               -lgmime-3.0 -lgobject-2.0 -lglib-2.0 -lcrypto -lpthread -ldl
# Redis speaks TLS if this hiredis does.
REDIS_TLS   := $(if $(wildcard /usr/include/hiredis/hiredis_ssl.h),1,0)
CPPFLAGS    += -DMR_REDIS_TLS=$(REDIS_TLS)
LIBS        += -llmdb -lhiredis $(if $(REDIS_TLS:0=),-lhiredis_ssl -lssl)

# Everything but the three files that have a main() or libmilter.
MAINS       := daemon/process/main.c daemon/command/main.c
FRONT       := daemon/front/milter.c
CORE        := $(filter-out $(MAINS) $(FRONT),$(wildcard daemon/*/*.c))
CORE_O      := $(CORE:%.c=$(B)/%.o) $(B)/default_conf.o $(B)/redis_scripts.o
PLUGINS     := $(notdir $(wildcard plugins/*))
PLUGIN_SO   := $(PLUGINS:%=$(B)/plugins/%.so)

.PHONY: all
all: $(B)/millraced $(B)/millrace $(PLUGIN_SO)

$(B)/%.o: %.c | needs
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# Asked when it is compiled, for "needs" may have to install it first.
GMIME_CFLAGS = $(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags gmime-3.0))
$(B)/daemon/service/content_mime.o: CPPFLAGS += $(GMIME_CFLAGS)

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

# Scripts for Redis, in the order of enum redis_script: those that count begin
# with limit.lua.  Comments stay here.
LUA         := $(wildcard daemon/service/*.lua)
$(B)/redis_scripts.c: $(LUA) daemon/service/redis_scripts.sh
	@mkdir -p $(@D)
	$(Q)daemon/service/redis_scripts.sh daemon/service > $@

$(B)/redis_scripts.o: $(B)/redis_scripts.c | needs
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# A plugin sees the public headers only, links against libc and what stands
# here as PLUGIN_LIBS_<name> (-lfoo, nothing else), and exports one symbol.
PLUGIN_LIBS_account := -lmaxminddb
PLUGIN_LIBS_dkim := -lopendkim -lcrypto
PLUGIN_LIBS_dmarc := -lcjson -lz
PLUGIN_LIBS_learn := -lcrypto -lsqlite3 -lm
PLUGIN_LIBS_ratelimit := -lsqlite3
PLUGIN_LIBS_rspamd := -lcjson
PLUGIN_LIBS_rules = -lpcre2-8 $(HS_LIBS)
PLUGIN_LIBS_spf := -lspf2
# Tests are linked with plugins' own files: with what any of them needs.
PLUGIN_LIBS  = -Wl,--as-needed \
               $(sort $(foreach p,$(PLUGINS),$(PLUGIN_LIBS_$(p))))

PLUGIN_CFLAGS = -std=gnu11 $(CFLAGS) $(WARNINGS) -fstack-protector-strong \
                -D_FORTIFY_SOURCE=2 -fPIC -fvisibility=hidden $(SANITIZE) \
                -Iinclude -D_GNU_SOURCE $(HS_CFLAGS)
PLUGIN_LINK   = -shared -Wl,-z,relro,-z,now $(SANITIZE) $(LDFLAGS) \
                -Wl,--version-script=include/millrace/plugin.map
ifeq ($(SANITIZE),)
PLUGIN_LINK  += -Wl,-z,defs
endif

# Two files of the plugin rules do the same; HYPERSCAN says which one is taken.
# Vectorscan stands in where Hyperscan does not run: it is a libhs as well.
WITH_HS      = $(filter-out 0 no,$(HYPERSCAN))
PLUGIN_LESS  = $(addprefix plugins/rules/,$(if $(WITH_HS), \
               prefilter_literal.c words.c,prefilter_hyperscan.c portable.c))
HS_CFLAGS    = $(if $(WITH_HS),$(patsubst -I%,-isystem %,$(shell \
               $(PKG_CONFIG) --cflags libhs)))
HS_LIBS      = $(if $(WITH_HS),$(shell $(PKG_CONFIG) --libs libhs))

.SECONDEXPANSION:
$(PLUGIN_SO): $(B)/plugins/%.so: $$(wildcard plugins/$$*/*.[ch]) \
    $(wildcard include/millrace/*.h) include/millrace/plugin.map | needs
	@mkdir -p $(@D)
	$(Q)$(CC) $(PLUGIN_CFLAGS) $(PLUGIN_LINK) -o $@ \
	    $(filter-out $(PLUGIN_LESS),$(filter %.c,$^)) $(PLUGIN_LIBS_$*)

# Another prefilter than last time is another plugin.
$(B)/plugins/rules.so: $(B)/prefilter
$(B)/prefilter: always
	@mkdir -p $(@D)
	@echo '$(PLUGIN_LESS)' | cmp -s - $@ || echo '$(PLUGIN_LESS)' > $@

include tests/tests.mk

-include $(shell find $(B)/daemon $(B)/tests -name '*.d' -type f 2>/dev/null)

# Installing.  What is written for /usr/local and /etc is changed to PREFIX
# and SYSCONFDIR; a configuration that is there stays as it is.
BINDIR      ?= $(PREFIX)/bin
SBINDIR     ?= $(PREFIX)/sbin
MANDIR      ?= $(PREFIX)/share/man
DOCDIR      ?= $(PREFIX)/share/doc/millrace
DATADIR     ?= $(PREFIX)/share/millrace
UNITDIR     ?= $(PREFIX)/lib/systemd/system
INSTALL     ?= install
CONFDIR      = $(SYSCONFDIR)/millrace
SDKDIR       = $(PREFIX)/include/millrace
SDK_HEADERS := $(patsubst include/millrace/%,%,$(wildcard \
               include/millrace/*.h include/millrace/fake/*.h))
SDK_FILES   := $(SDK_HEADERS) plugin.mk plugin.map
SDK_PAGES   := $(wildcard include/millrace/*.3)
PAGES       := $(wildcard daemon/*.[1-8] daemon/*/*.[1-8] plugins/*/*.5)
ABI          = $(shell awk '/define MR_ABI_M(AJOR|INOR)/ { printf "%s%d", \
               dot, $$3; dot = "." }' include/millrace/plugin.h)
LOCALIZE     = sed -e 's|/usr/local/bin/|$(BINDIR)/|g' \
               -e 's|/usr/local/sbin/|$(SBINDIR)/|g' \
               -e 's|/usr/local/lib/millrace/plugins|$(PLUGINDIR)|g' \
               -e 's|/usr/local/share/doc/millrace|$(DOCDIR)|g' \
               -e 's|/usr/local/share/millrace|$(DATADIR)|g' \
               -e 's|/etc/millrace|$(CONFDIR)|g'
# $(call put,from,to): a text, localized.
put          = $(INSTALL) -d $(DESTDIR)$(dir $(2)) && \
               $(LOCALIZE) $(1) > $(DESTDIR)$(2) && \
               chmod 644 $(DESTDIR)$(2)
page         = $(MANDIR)/man$(subst .,,$(suffix $(1)))/$(notdir $(1))
each         = $(foreach f,$(1),$(call put,$(f),$(call $(2),$(f))) &&) true

# Paths are compiled in: others than last time mean other objects.
PATHS_O     := $(patsubst %.c,$(B)/%.o,$(shell grep -lE \
               'MR_(PLUGINDIR|SYSCONFDIR|VERSION)\>' daemon/*/*.c))
$(PATHS_O): $(B)/paths
$(B)/paths: always
	@mkdir -p $(@D)
	@echo '$(PLUGINDIR) $(SYSCONFDIR) $(VERSION)' | cmp -s - $@ || \
	    echo '$(PLUGINDIR) $(SYSCONFDIR) $(VERSION)' > $@
.PHONY: always
always:

.PHONY: install install-daemon install-dovecot install-sdk uninstall
install: install-daemon install-dovecot install-sdk
	@test -n "$(DESTDIR)" || echo "now, as root:  systemd-sysusers &&" \
	    "systemd-tmpfiles --create && systemctl daemon-reload &&" \
	    "systemctl enable --now millraced"

install-daemon: all
	$(Q)$(INSTALL) -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(BINDIR) \
	    $(DESTDIR)$(PLUGINDIR) $(DESTDIR)$(DOCDIR)/examples/lists
	$(Q)$(INSTALL) -m 755 $(B)/millraced $(DESTDIR)$(SBINDIR)
	$(Q)$(INSTALL) -m 755 $(B)/millrace $(DESTDIR)$(BINDIR)
	$(Q)$(INSTALL) -m 755 $(PLUGIN_SO) $(DESTDIR)$(PLUGINDIR)
	$(Q)$(call each,$(PAGES),page)
	$(Q)$(call put,conf/millraced.service,$(UNITDIR)/millraced.service)
	$(Q)for d in sysusers tmpfiles; do \
	    $(INSTALL) -D -m 644 conf/$$d.d/millrace.conf \
	    $(DESTDIR)$(PREFIX)/lib/$$d.d/millrace.conf || exit 1; done
	$(Q)$(INSTALL) -m 644 README.md LICENSE conf/millraced.socket \
	    $(DESTDIR)$(DOCDIR)
	$(Q)cp -R conf/examples/. $(DESTDIR)$(DOCDIR)/examples
	$(Q)for f in conf/examples/*.conf; do $(LOCALIZE) $$f \
	    > $(DESTDIR)$(DOCDIR)/examples/$${f##*/} || exit 1; done
	$(Q)$(INSTALL) -d $(DESTDIR)$(DATADIR)/rules
	$(Q)$(INSTALL) -m 644 conf/rules/*.rules $(DESTDIR)$(DATADIR)/rules
	$(Q)test -e $(DESTDIR)$(CONFDIR)/millrace.conf || { $(call \
	    put,conf/millrace.conf,$(CONFDIR)/millrace.conf); }

# What Dovecot runs when users move spam, see millrace-learn(5).
DOVECOTDIR   = $(DATADIR)/dovecot
dovecot_file = $(DOVECOTDIR)/$(notdir $(1))
install-dovecot:
	$(Q)$(call each,$(wildcard conf/dovecot/*.*),dovecot_file)
	$(Q)$(call put,conf/dovecot/millrace-learn,$(DOVECOTDIR)/bin/millrace-learn)
	$(Q)chmod 755 $(DESTDIR)$(DOVECOTDIR)/bin/millrace-learn

# What an author of plugins needs, without the daemon.
install-sdk:
	$(Q)for f in $(SDK_FILES); do \
	    $(INSTALL) -D -m 644 include/millrace/$$f \
	    $(DESTDIR)$(SDKDIR)/$$f || exit 1; done
	$(Q)$(INSTALL) -d $(DESTDIR)$(LIBDIR)/pkgconfig
	$(Q)sed -e 's|@prefix@|$(PREFIX)|' -e 's|@version@|$(VERSION)|' \
	    -e 's|@abi@|$(ABI)|' -e 's|@plugindir@|$(PLUGINDIR)|' \
	    -e 's|@mandir@|$(MANDIR)|' include/millrace/millrace.pc.in \
	    > $(DESTDIR)$(LIBDIR)/pkgconfig/millrace.pc
	$(Q)$(call each,$(SDK_PAGES),page)

# The configuration, the journal and plugins of others stay.
uninstall:
	$(Q)rm -f $(DESTDIR)$(SBINDIR)/millraced $(DESTDIR)$(BINDIR)/millrace \
	    $(PLUGINS:%=$(DESTDIR)$(PLUGINDIR)/%.so) \
	    $(foreach f,$(PAGES) $(SDK_PAGES),$(DESTDIR)$(call page,$(f))) \
	    $(DESTDIR)$(UNITDIR)/millraced.service \
	    $(DESTDIR)$(PREFIX)/lib/sysusers.d/millrace.conf \
	    $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/millrace.conf \
	    $(DESTDIR)$(LIBDIR)/pkgconfig/millrace.pc
	$(Q)rm -rf $(DESTDIR)$(SDKDIR) $(DESTDIR)$(DOCDIR)
	$(Q)rm -f $(addprefix $(DESTDIR)$(DATADIR)/rules/,\
	    $(notdir $(wildcard conf/rules/*.rules)))
	$(Q)rm -rf $(DESTDIR)$(DOVECOTDIR)
	$(Q)rmdir $(DESTDIR)$(PLUGINDIR) $(DESTDIR)$(dir $(PLUGINDIR)) \
	    $(DESTDIR)$(DATADIR)/rules $(DESTDIR)$(DATADIR) \
	    2>/dev/null || true
