/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Part of <millrace/fake.h>: the service "map/1" over entries that a test
 * sets.  What a key matches is said in <millrace/map.h>; files are left out.
 */
#ifndef MR_FAKE_MAP_H
#define MR_FAKE_MAP_H

#include <arpa/inet.h>

/* The key of an entry, without its quotes; *value stands after it. */
MR_FAKE void
fake_entry(const char *entry, char key[256], const char **value)
{
	bool quoted = *entry == '"';
	size_t n = 0;

	entry += quoted;
	while (*entry != '\0' && n < 255) {
		if (quoted ? *entry == '"' : *entry == ' ' || *entry == '\t')
			break;
		key[n++] = *entry++;
	}
	key[n] = '\0';
	entry += quoted && *entry == '"';
	*value = entry + strspn(entry, " \t");
}

/* How exactly a key holds what is looked for; -1: not at all. */
typedef int fake_rank(const char *key, const char *wanted);

/* An address or network, or a word that is neither. */
MR_FAKE bool
fake_is_network(const char *key)
{
	unsigned char bytes[16];
	size_t n = strcspn(key, "/");
	char bare[64];

	if (n >= sizeof(bare))
		return false;
	memcpy(bare, key, n);
	bare[n] = '\0';
	return inet_pton(AF_INET, bare, bytes) == 1 ||
	       inet_pton(AF_INET6, bare, bytes) == 1;
}

MR_FAKE int
fake_rank_text(const char *key, const char *text)
{
	if (strcasecmp(key, text) == 0)
		return 1000;
	return strcmp(key, "*") == 0 ? 0 : -1;
}

MR_FAKE int
fake_bits_equal(const unsigned char *a, const unsigned char *b, int bits)
{
	for (int i = 0; i < bits; i++)
		if ((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1)
			return -1;
	return bits + 1;
}

MR_FAKE int
fake_rank_client(const char *key, const char *addr)
{
	unsigned char net[16], host[16];
	char bare[64];
	size_t n = strcspn(key, "/");
	int family = strchr(addr, ':') != NULL ? AF_INET6 : AF_INET;
	int bits = family == AF_INET ? 32 : 128;

	if (n >= sizeof(bare) || inet_pton(family, addr, host) != 1)
		return fake_rank_text(key, addr);
	memcpy(bare, key, n);
	bare[n] = '\0';
	if (inet_pton(family, bare, net) != 1)
		return fake_rank_text(key, addr);
	if (key[n] == '/')
		bits = atoi(key + n + 1);
	return fake_bits_equal(net, host, bits);
}

MR_FAKE bool
fake_ends(const char *text, const char *tail)
{
	size_t n = strlen(text), t = strlen(tail);

	return n > t && strcasecmp(text + n - t, tail) == 0;
}

MR_FAKE int
fake_rank_name(const char *key, const char *name)
{
	if (fake_is_network(key))
		return fake_rank_client(key, name);
	if (strchr(name, '@') != NULL) /* no name */
		return fake_rank_text(key, "");
	if (key[0] == '.' && fake_ends(name, key))
		return (int)strlen(key);
	return fake_rank_text(key + (key[0] == '@'), name);
}

MR_FAKE int
fake_rank_address(const char *key, const char *address)
{
	const char *at = strrchr(address, '@');
	size_t n = strlen(key);

	if (fake_is_network(key))
		return -1;
	if (strcasecmp(key, address) == 0 ||
	    (address[0] == '\0' && strcmp(key, "<>") == 0))
		return 3000;
	if (at == NULL)
		return strcmp(key, "*") == 0 ? 0 : -1;
	if (n > 1 && key[n - 1] == '@')
		return n == (size_t)(at - address) + 1 &&
			       strncasecmp(key, address, n) == 0
			   ? 1
			   : -1;
	return fake_rank_name(key, at + 1);
}

MR_FAKE const char *
fake_map_best(struct mr_ctx *c, const struct mr_map *map, const char *wanted,
    fake_rank *rank)
{
	const char *found = NULL, *value;
	int best = -1, r;
	char key[256];

	for (uint32_t i = 0; map && i < map->entries.list.count; i++) {
		fake_entry(map->entries.items[i], key, &value);
		r = rank(key, wanted);
		if (r > best) {
			best = r;
			found = value;
		}
	}
	return found != NULL ? fake_copy(fake_scope(fake_of(c)), found) : NULL;
}

MR_FAKE const char *
fake_map_client(struct mr_ctx *c, const struct mr_map *m, const char *addr)
{
	return fake_map_best(c, m, addr, fake_rank_client);
}

MR_FAKE const char *
fake_map_address(struct mr_ctx *c, const struct mr_map *m, const char *address)
{
	return fake_map_best(c, m, address, fake_rank_address);
}

MR_FAKE const char *
fake_map_name(struct mr_ctx *c, const struct mr_map *m, const char *name)
{
	return fake_map_best(c, m, name, fake_rank_name);
}

MR_FAKE const char *
fake_map_text(struct mr_ctx *c, const struct mr_map *m, const char *text)
{
	return fake_map_best(c, m, text, fake_rank_text);
}

MR_FAKE bool
fake_glob_matches(const char *pattern, const char *text)
{
	for (; *pattern != '*'; pattern++, text++) {
		char pair[2][2] = { { *pattern, 0 }, { *text, 0 } };

		if (*text == '\0' || *pattern == '\0')
			return *text == *pattern;
		if (*pattern != '?' && strcasecmp(pair[0], pair[1]) != 0)
			return false;
	}
	do {
		if (fake_glob_matches(pattern + 1, text))
			return true;
	} while (*text++ != '\0');
	return false;
}

MR_FAKE const char *
fake_map_glob(struct mr_ctx *c, const struct mr_map *map, const char *text)
{
	const char *value;
	char key[256];

	for (uint32_t i = 0; map && i < map->entries.list.count; i++) {
		fake_entry(map->entries.items[i], key, &value);
		if (!fake_is_network(key) && fake_glob_matches(key, text))
			return fake_copy(fake_scope(fake_of(c)), value);
	}
	return NULL;
}

MR_FAKE void
fake_map_each(const struct mr_map *map,
    bool (*seen)(
	void *arg, const char *key, const char *value, const char *where),
    void *arg)
{
	const char *value;
	char key[256];

	for (uint32_t i = 0; map && i < map->entries.list.count; i++) {
		fake_entry(map->entries.items[i], key, &value);
		if (!seen(arg, key, value, NULL))
			return;
	}
}

static const struct mr_map_service fake_map_service = {
	.size = sizeof(struct mr_map_service),
	.client = fake_map_client,
	.address = fake_map_address,
	.name = fake_map_name,
	.text = fake_map_text,
	.glob = fake_map_glob,
	.each = fake_map_each,
};

#endif
