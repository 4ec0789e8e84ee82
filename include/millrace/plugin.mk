# Build and install a millrace plugin: millrace-plugin(3).
#
#   PLUGIN = foo                  makes foo.so, which exports mr_plugin_foo
#   SRCS   = foo.c parse.c        if it is not foo.c alone
#   LIBS   = -lm                  libraries of its own
#   include $(shell pkg-config --variable=sdkdir millrace)/plugin.mk
#
# millrace-$(PLUGIN).5 is installed if it is there.
SRCS        ?= $(PLUGIN).c
PKG_CONFIG  ?= pkg-config
CFLAGS      ?= -O2 -g -Wall -Wextra
MR_SDK      ?= $(shell $(PKG_CONFIG) --variable=sdkdir millrace)
MR_CFLAGS   ?= $(shell $(PKG_CONFIG) --cflags millrace)
MR_PLUGINS  ?= $(shell $(PKG_CONFIG) --variable=plugindir millrace)
MR_MAN      ?= $(shell $(PKG_CONFIG) --variable=mandir millrace)
MR_LDFLAGS  := -shared -Wl,-z,defs,-z,relro,-z,now
MANUAL      := $(wildcard millrace-$(PLUGIN).5)

all: $(PLUGIN).so

$(PLUGIN).so: $(SRCS)
	$(CC) -std=gnu11 -fPIC -fvisibility=hidden $(MR_CFLAGS) $(CPPFLAGS) \
	    $(CFLAGS) $(MR_LDFLAGS) -Wl,--version-script=$(MR_SDK)/plugin.map \
	    $(LDFLAGS) -o $@ $(SRCS) $(LIBS)

install: $(PLUGIN).so
	install -D -m 755 $(PLUGIN).so $(DESTDIR)$(MR_PLUGINS)/$(PLUGIN).so
	$(if $(MANUAL),install -D -m 644 $(MANUAL) \
	    $(DESTDIR)$(MR_MAN)/man5/$(MANUAL))

clean:
	rm -f $(PLUGIN).so

.PHONY: all install clean
