/* SPDX-License-Identifier: Apache-2.0 */
/* Country and network operator of an address, from MaxMind databases. */
#ifndef ACCOUNT_GEO_H
#define ACCOUNT_GEO_H

#include <stdbool.h>
#include <stddef.h>

struct geo;

/* A file, mapped until geo_close().  NULL on failure; *why is to be freed. */
struct geo *geo_open(const char *path, char **why);
void geo_close(struct geo **);

enum { GEO_BYTES = 16 };

/* [any] "DE"; false: not known. */
bool geo_country(const struct geo *, const char *addr, char out[GEO_BYTES]);
/* [any] "AS64496". */
bool geo_asn(const struct geo *, const char *addr, char out[GEO_BYTES]);

#endif
