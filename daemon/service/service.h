/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What plugins may ask for by name.  A service that changes gets a new id
 * ("map/2"); the old one stays as long as the major of the contract.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "millrace/map.h"

/* The table behind an id, or NULL. */
const void *service_find(const char *id);

/* One table a file, named after it. */
extern const struct mr_map_service map_service;

#endif
