/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A map asks its sources (the entries of the config, then each file) for
 * ever less exact keys.  A file that changed is read into a new list beside
 * the look-ups, which is then put in the old one's place.
 */
#include "base/map.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/list.h"
#include "base/log.h"
#include "base/memory.h"

#define MAP_FILE_MAX    (64u * 1024u * 1024u)
#define MAP_REFRESH_US  INT64_C(1000000)
#define MAP_SETTLED_SEC 2

static const struct span any = { "*", 1 };

/* By what a file is known to be the one that was read. */
struct stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec written;
	struct timespec changed;
	bool fresh; /* written again now, it could look the same */
};

struct source {
	struct list *list;  /* under guard.lists */
	char *path;         /* NULL: entries of the config */
	struct stamp stamp; /* this and the next under guard.refresh */
	char *complaint;    /* what was logged last, NULL: it is well */
};

struct guard {
	pthread_rwlock_t lists;
	pthread_mutex_t refresh; /* only tried for: nobody waits here */
	_Atomic int64_t next;    /* clock_steady_us of the next look */
};

struct map {
	struct source *sources;
	size_t count;
	struct guard *guard;
};

static struct map *
create(size_t most)
{
	struct map *m = memory_zalloc(sizeof(*m));
	pthread_rwlockattr_t attr;

	m->sources = memory_zalloc(most * sizeof(*m->sources));
	m->guard = memory_zalloc(sizeof(*m->guard));
	pthread_rwlockattr_init(&attr);
	/* or a busy worker's look-ups could keep a new list out for ever */
	pthread_rwlockattr_setkind_np(
	    &attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&m->guard->lists, &attr);
	pthread_rwlockattr_destroy(&attr);
	pthread_mutex_init(&m->guard->refresh, NULL);
	return m;
}

void
map_destroy(struct map **map)
{
	struct map *m = *map;

	if (m == NULL)
		return;
	for (size_t i = 0; i < m->count; i++) {
		list_destroy(&m->sources[i].list);
		free(m->sources[i].path);
		free(m->sources[i].complaint);
	}
	pthread_rwlock_destroy(&m->guard->lists);
	pthread_mutex_destroy(&m->guard->refresh);
	free(m->guard);
	free(m->sources);
	free(m);
	*map = NULL;
}

static bool
stamp_read(const char *path, struct stamp *stamp, char **why)
{
	struct timespec now;
	struct stat st;
	time_t age;

	if (stat(path, &st) == -1) {
		*why = memory_printf("%s: %s", path, strerror(errno));
		return false;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	age = now.tv_sec - st.st_mtim.tv_sec;
	*stamp = (struct stamp){
		.device = st.st_dev,
		.inode = st.st_ino,
		.size = st.st_size,
		.written = st.st_mtim,
		.changed = st.st_ctim,
		.fresh = age >= 0 && age < MAP_SETTLED_SEC,
	};
	return true;
}

static bool
same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool
stamp_same(const struct stamp *a, const struct stamp *b)
{
	return a->device == b->device && a->inode == b->inode &&
	       a->size == b->size && same_time(a->written, b->written) &&
	       same_time(a->changed, b->changed);
}

static struct list *
read_list(const char *path, char **why)
{
	struct list *l;
	size_t n;
	char *text = file_read(path, MAP_FILE_MAX, &n, why);

	if (text == NULL)
		return NULL;
	l = list_create();
	if (!list_read(l, path, (struct span){ text, n }, why))
		list_destroy(&l);
	free(text);
	return l;
}

/* The path of "map:file:/path"; an entry of another kind has none. */
static bool
entry_path(const char *entry, const char **path, char **why)
{
	static const char scheme[] = "map:", file[] = "map:file:";
	bool bare = entry[0] == '/' || strncmp(entry, "file:", 5) == 0;

	*path = NULL;
	if (bare) { /* as a text it would match nothing */
		*why = memory_printf("\"%s\": a file is written map:file:%s",
		    entry, entry[0] == '/' ? entry : entry + 5);
		return false;
	}
	if (strncmp(entry, scheme, strlen(scheme)) != 0)
		return true;
	if (strncmp(entry, file, strlen(file)) != 0 ||
	    entry[strlen(file)] != '/') {
		*why = memory_printf(
		    "\"%s\": write it like map:file:/path", entry);
		return false;
	}
	*path = entry + strlen(file);
	return true;
}

static bool
add_entry(struct map *m, const char *entry, char **why)
{
	struct source *s = &m->sources[m->count];
	const char *path;

	if (!entry_path(entry, &path, why))
		return false;
	if (path == NULL)
		return list_add_entry(m->sources[0].list, span_of(entry), why);
	/* Stamped first: what is written meanwhile is seen the next time. */
	if (!stamp_read(path, &s->stamp, why) ||
	    (s->list = read_list(path, why)) == NULL)
		return false;
	s->path = memory_copy(path);
	m->count++;
	return true;
}

struct map *
map_create(const char *const *entries, size_t count, char **why)
{
	struct map *m = create(count + 1);

	*why = NULL;
	m->sources[m->count++].list = list_create();
	for (size_t i = 0; i < count; i++) {
		if (add_entry(m, entries[i], why))
			continue;
		map_destroy(&m);
		break;
	}
	return m;
}

struct map *
map_parse(const char *name, struct span text, char **why)
{
	struct map *m = create(1);

	*why = NULL;
	m->sources[m->count++].list = list_create();
	if (!list_read(m->sources[0].list, name, text, why))
		map_destroy(&m);
	return m;
}

size_t
map_count(const struct map *m)
{
	size_t n = 0;

	pthread_rwlock_rdlock(&m->guard->lists);
	for (size_t i = 0; i < m->count; i++)
		n += list_count(m->sources[i].list);
	pthread_rwlock_unlock(&m->guard->lists);
	return n;
}

static void
replace(struct map *m, struct source *s, struct list *new)
{
	struct list *old;

	pthread_rwlock_wrlock(&m->guard->lists);
	old = s->list;
	s->list = new;
	pthread_rwlock_unlock(&m->guard->lists);
	list_destroy(&old);
}

/* Takes over why, NULL if the file is well; says what is news. */
static void
report(struct source *s, char *why, size_t count)
{
	if (why == NULL)
		log_info("%s: read again, %zu entries", s->path, count);
	else if (s->complaint == NULL || strcmp(why, s->complaint) != 0)
		log_warn("%s; what it said before stays in force", why);
	free(s->complaint);
	s->complaint = why;
}

static void
refresh(struct map *m, struct source *s)
{
	struct stamp stamp;
	struct list *new;
	bool same, lost;
	char *why = NULL;

	if (!stamp_read(s->path, &stamp, &why)) {
		report(s, why, 0);
		s->stamp = (struct stamp){ 0 };
		return;
	}
	same = stamp_same(&stamp, &s->stamp);
	if (same && !s->stamp.fresh)
		return;
	lost = s->complaint != NULL;
	s->stamp = stamp;
	new = read_list(s->path, &why);
	if (new == NULL || lost || !same)
		report(s, why, new != NULL ? list_count(new) : 0);
	if (new != NULL)
		replace(m, s, new);
}

void
map_refresh(struct map *m)
{
	int64_t now;

	if (m == NULL || (m->count == 1 && m->sources[0].path == NULL))
		return;
	now = clock_steady_us();
	if (now < atomic_load(&m->guard->next) ||
	    pthread_mutex_trylock(&m->guard->refresh) != 0)
		return;
	if (now >= atomic_load(&m->guard->next)) {
		atomic_store(&m->guard->next, now + MAP_REFRESH_US);
		for (size_t i = 0; i < m->count; i++)
			if (m->sources[i].path != NULL)
				refresh(m, &m->sources[i]);
	}
	pthread_mutex_unlock(&m->guard->refresh);
}

static const char *
find(const struct map *m, struct span key)
{
	const char *value = NULL;

	for (size_t i = 0; i < m->count && value == NULL; i++)
		value = list_text(m->sources[i].list, key);
	return value;
}

/* before, key and after as one key. */
static const char *
find_joined(
    const struct map *m, const char *before, struct span key, const char *after)
{
	char joined[LIST_KEY_MAX];
	size_t n = 0;

	if (strlen(before) + key.n + strlen(after) > sizeof(joined))
		return NULL;
	for (; *before != '\0'; before++)
		joined[n++] = *before;
	memcpy(joined + n, key.p, key.n);
	for (n += key.n; *after != '\0'; after++)
		joined[n++] = *after;
	return find(m, (struct span){ joined, n });
}

static const char *
find_address(const struct map *m, const struct address *a)
{
	const char *best = NULL;
	unsigned longest = 0;

	for (size_t i = 0; i < m->count; i++) {
		unsigned prefix = 0;
		const char *value =
		    list_address(m->sources[i].list, a, &prefix);

		if (value == NULL || (best != NULL && prefix <= longest))
			continue;
		best = value;
		longest = prefix;
	}
	return best;
}

static const char *
match_client(const struct map *m, struct span key)
{
	struct address a;

	if (address_parse(key, &a))
		return find_address(m, &a);
	return find(m, key);
}

/* The domain, the address that is written as one, its parents. */
static const char *
match_domain(const struct map *m, struct span d)
{
	const char *value;
	struct address a;

	if (d.n > 0 && d.p[d.n - 1] == '.')
		d.n--;
	if (d.n == 0 || d.p[0] == '.' || memchr(d.p, '@', d.n) != NULL)
		return NULL;
	if ((value = find(m, d)) != NULL ||
	    (value = find_joined(m, "@", d, "")) != NULL)
		return value;
	if (address_parse(d, &a))
		return find_address(m, &a);
	for (size_t i = 1; i < d.n; i++) {
		if (d.p[i] != '.')
			continue;
		value = find(m, (struct span){ d.p + i, d.n - i });
		if (value != NULL)
			return value;
	}
	return NULL;
}

static const char *
match_address(const struct map *m, struct span address)
{
	/* the last one: "a@b"@example.com */
	const char *at = memrchr(address.p, '@', address.n);
	struct span local = address, domain = { "", 0 };
	const char *value;

	if (address.n == 0)
		return find(m, span_of("<>"));
	if (at != NULL) {
		local.n = (size_t)(at - address.p);
		domain.p = at + 1;
		domain.n = address.n - local.n - 1;
	}
	if (domain.n > 0 && domain.p[domain.n - 1] == '.')
		address.n--;
	if ((value = find(m, address)) != NULL ||
	    (value = match_domain(m, domain)) != NULL || local.n == 0)
		return value;
	return find_joined(m, "", local, "@");
}

static const char *
match_text(const struct map *m, struct span key)
{
	const char *value = find(m, key);
	struct network n;

	if (value != NULL || !network_parse(key, &n))
		return value;
	for (size_t i = 0; i < m->count && value == NULL; i++)
		value = list_network(m->sources[i].list, &n);
	return value;
}

static const char *
match_glob(const struct map *m, struct span text)
{
	const char *value = NULL;

	for (size_t i = 0; i < m->count && value == NULL; i++)
		value = list_glob(m->sources[i].list, text);
	return value;
}

void
map_look_up(const struct map *m, enum map_way way, const char *key,
    void (*found)(void *arg, const char *value), void *arg)
{
	static const char *(*const match[])(const struct map *, struct span) = {
		[MAP_CLIENT] = match_client,
		[MAP_ADDRESS] = match_address,
		[MAP_NAME] = match_domain,
		[MAP_TEXT] = match_text,
		[MAP_GLOB] = match_glob,
	};
	const char *value = NULL;

	if (m == NULL)
		return;
	pthread_rwlock_rdlock(&m->guard->lists);
	if (key != NULL)
		value = match[way](m, span_of(key));
	if (value == NULL)
		value = find(m, any);
	if (value != NULL)
		found(arg, value);
	pthread_rwlock_unlock(&m->guard->lists);
}

struct copy {
	struct arena *arena;
	const char *value;
};

static void
copy_value(void *arg, const char *value)
{
	struct copy *copy = arg;

	copy->value = arena_copy(copy->arena, value);
}

static const char *
look_up(const struct map *m, struct arena *a, const char *key, enum map_way way)
{
	struct copy copy = { a, NULL };

	map_look_up(m, way, key, copy_value, &copy);
	return copy.value;
}

const char *
map_client(const struct map *m, struct arena *a, const char *addr)
{
	return look_up(m, a, addr, MAP_CLIENT);
}

const char *
map_address(const struct map *m, struct arena *a, const char *address)
{
	return look_up(m, a, address, MAP_ADDRESS);
}

const char *
map_name(const struct map *m, struct arena *a, const char *name)
{
	return look_up(m, a, name, MAP_NAME);
}

const char *
map_text(const struct map *m, struct arena *a, const char *text)
{
	return look_up(m, a, text, MAP_TEXT);
}

const char *
map_glob(const struct map *m, struct arena *a, const char *text)
{
	return look_up(m, a, text, MAP_GLOB);
}

struct each {
	bool (*seen)(void *, const char *, const char *, const char *);
	void *arg;
	const char *path;
};

static bool
show(void *arg, const char *key, const char *value, unsigned line)
{
	const struct each *each = arg;
	char *where = NULL;
	bool more;

	if (each->path != NULL)
		where = memory_printf("%s:%u", each->path, line);
	more = each->seen(each->arg, key, value, where);
	free(where);
	return more;
}

void
map_each(const struct map *m,
    bool (*seen)(
	void *arg, const char *key, const char *value, const char *where),
    void *arg)
{
	struct each each = { seen, arg, NULL };
	bool more = true;

	if (m == NULL)
		return;
	pthread_rwlock_rdlock(&m->guard->lists);
	for (size_t i = 0; i < m->count && more; i++) {
		each.path = m->sources[i].path;
		more = list_each(m->sources[i].list, show, &each);
	}
	pthread_rwlock_unlock(&m->guard->lists);
}

bool
map_line(struct span line, struct span *key, struct span *value)
{
	return list_line(line, key, value);
}
