/* SPDX-License-Identifier: Apache-2.0 */
/* The name servers that a system has: the text of its resolv.conf(5). */
#ifndef SERVICE_DNS_SERVERS_H
#define SERVICE_DNS_SERVERS_H

#include "base/span.h"
#include "config/config.h"

/*
 * The next nameserver of the text, as config_dns_server_parse() gives it;
 * *text is what follows.  Lines that name none are passed over.  False:
 * there are no more.
 */
bool dns_resolv_conf_next(struct span *text, char out[CONFIG_DNS_SERVER]);

#endif
