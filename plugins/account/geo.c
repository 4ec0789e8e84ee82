/* SPDX-License-Identifier: Apache-2.0 */
#include "geo.h"

#include <maxminddb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct geo {
	MMDB_s db;
};

struct geo *
geo_open(const char *path, char **why)
{
	struct geo *g = calloc(1, sizeof(*g));
	int status;

	*why = NULL;
	if (g == NULL)
		return NULL;
	status = MMDB_open(path, MMDB_MODE_MMAP, &g->db);
	if (status == MMDB_SUCCESS)
		return g;
	if (asprintf(why, "%s: %s", path, MMDB_strerror(status)) == -1)
		*why = NULL;
	free(g);
	return NULL;
}

void
geo_close(struct geo **geo)
{
	if (*geo != NULL) {
		MMDB_close(&(*geo)->db);
		free(*geo);
	}
	*geo = NULL;
}

static bool
find(const struct geo *g, const char *addr, MMDB_entry_s *entry)
{
	MMDB_lookup_result_s found;
	int no_address, status;

	if (g == NULL)
		return false;
	found = MMDB_lookup_string(
	    (MMDB_s *)(uintptr_t)&g->db, addr, &no_address, &status);
	if (no_address != 0 || status != MMDB_SUCCESS || !found.found_entry)
		return false;
	*entry = found.entry;
	return true;
}

bool
geo_country(const struct geo *g, const char *addr, char out[GEO_BYTES])
{
	MMDB_entry_data_s data;
	MMDB_entry_s entry;

	if (!find(g, addr, &entry) ||
	    MMDB_get_value(&entry, &data, "country", "iso_code", NULL) !=
		MMDB_SUCCESS ||
	    !data.has_data || data.type != MMDB_DATA_TYPE_UTF8_STRING ||
	    data.data_size == 0 || data.data_size >= GEO_BYTES)
		return false;
	memcpy(out, data.utf8_string, data.data_size);
	out[data.data_size] = '\0';
	return true;
}

bool
geo_asn(const struct geo *g, const char *addr, char out[GEO_BYTES])
{
	MMDB_entry_data_s data;
	MMDB_entry_s entry;

	if (!find(g, addr, &entry) ||
	    MMDB_get_value(&entry, &data, "autonomous_system_number", NULL) !=
		MMDB_SUCCESS ||
	    !data.has_data || data.type != MMDB_DATA_TYPE_UINT32)
		return false;
	snprintf(out, GEO_BYTES, "AS%u", data.uint32);
	return true;
}
