/*
 * The slab cache that holds maple nodes: kmem_cache_alloc(), kmem_cache_alloc_bulk() and their frees.
 *
 * Fresh nodes are filled with a pattern unless zeroes were asked for, freed ones are poisoned, wait at the end of
 * a queue before they are handed out again, and must then still hold the poison. A node that is freed twice, or
 * was never allocated, ends the step. A request for many nodes that cannot be met whole gets none and returns 0,
 * as the kernel's does. Under AddressSanitizer each node is a block of its own, so that the sanitizer sees it.
 *
 * Not covered: reclaim, memory cgroups, the sheaves of 6.18, more than one cache.
 *
 * The last functions are hooks that the debug build of maple_tree.c names for its own tests; nothing calls them.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <linux/slab.h>
#include "events.h"
#include "shim.h"

#define NODE_SIZE	256UL
#define NODE_FRESH	0x5a
#define NODE_POISON	0x6b
#define MAX_NODES	(1UL << 26)
#define QUARANTINE	1024
#define NONE		UINT32_MAX

#if defined(__SANITIZE_ADDRESS__)
#define OWN_BLOCKS 1
#else
#define OWN_BLOCKS 0
#endif

struct kmem_cache {
	unsigned int size, align;
	void (*ctor)(void *);
};

static struct kmem_cache the_cache;
static unsigned long live, asked;
static uint32_t left = SHIM_NO_LIMIT;
static unsigned int failures_in_a_row;
bool shim_nowait_fails;

void shim_alloc_step(uint32_t succeed)
{
	left = succeed;
	asked = 0;
	failures_in_a_row = 0;
}

unsigned long shim_alloc_live(void) { return live; }
unsigned long shim_alloc_asked(void) { return asked; }
void shim_alloc_forget(void) { live = 0; }

/* One request for count nodes: may it be met? */
static bool granted(gfp_t gfp, size_t count)
{
	asked += count;
	if (shim_nowait_fails && !(gfp & __GFP_DIRECT_RECLAIM)) {
		SHIM_EVENT("requests_refused", 1);
		return false;
	}
	if (left == SHIM_NO_LIMIT)
		return true;
	if (left >= count) {
		left -= count;
		failures_in_a_row = 0;
		return true;
	}
	left = 0;
	SHIM_EVENT("requests_refused", 1);
	if (++failures_in_a_row > SHIM_HANG_FAILURES)
		shim_crash("hang", "it asks for memory for ever");
	return false;
}

#if OWN_BLOCKS

static void *take(void)
{
	void *node = NULL;

	if (posix_memalign(&node, NODE_SIZE, NODE_SIZE))
		shim_crash("out of memory", "the server itself");
	return node;
}

static void give_back(void *node)
{
	memset(node, NODE_POISON, NODE_SIZE);
	free(node);
}

bool shim_alloc_is_live(const void *node) { return node && !((unsigned long)node % NODE_SIZE); }

#else

static char *arena;
static uint32_t *next_free;
static unsigned char *state;	/* 0 never used, 1 live, 2 free */
static uint32_t used, free_head = NONE, free_tail = NONE, free_count;

static void *reserve(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		shim_crash("out of memory", "the server itself");
	return p;
}

static void arena_start(void)
{
	char *p = reserve((MAX_NODES + 1) * NODE_SIZE);

	arena = p + (-(unsigned long)p & (NODE_SIZE - 1));
	next_free = reserve(MAX_NODES * sizeof(*next_free));
	state = reserve(MAX_NODES);
}

bool shim_alloc_is_live(const void *node)
{
	unsigned long distance = (const char *)node - arena;

	return node && distance < MAX_NODES * NODE_SIZE && !(distance % NODE_SIZE) && state[distance / NODE_SIZE] == 1;
}

static void check_poison(const char *node)
{
	uint64_t word, poison;

	memset(&poison, NODE_POISON, sizeof(poison));
	for (size_t i = 0; i < NODE_SIZE; i += sizeof(word)) {
		memcpy(&word, node + i, sizeof(word));
		if (word != poison)
			shim_crash("write after free", "a freed node was changed");
	}
}

static void *take(void)
{
	uint32_t i;

	if (free_count > QUARANTINE) {
		i = free_head;
		free_head = next_free[i];
		free_count--;
		check_poison(arena + i * NODE_SIZE);
	} else {
		if (used == MAX_NODES)
			shim_crash("out of memory", "the server itself");
		i = used++;
	}
	state[i] = 1;
	return arena + i * NODE_SIZE;
}

static void give_back(void *node)
{
	uint32_t i = ((char *)node - arena) / NODE_SIZE;

	if (!shim_alloc_is_live(node))
		shim_crash("double free", "a node that is not live was freed");
	memset(node, NODE_POISON, NODE_SIZE);
	state[i] = 2;
	next_free[i] = NONE;
	if (free_count++)
		next_free[free_tail] = i;
	else
		free_head = i;
	free_tail = i;
}

#endif

static void *fresh(gfp_t gfp)
{
	void *node = take();

	memset(node, gfp & __GFP_ZERO ? 0 : NODE_FRESH, NODE_SIZE);
	live++;
	SHIM_EVENT("nodes_allocated", 1);
	return node;
}

struct kmem_cache *kmem_cache_create(const char *name, unsigned int size, unsigned int align, unsigned int flags,
				     void (*ctor)(void *))
{
	if (size != NODE_SIZE || align != NODE_SIZE)
		shim_crash("layout", "nodes are not 256 bytes");
#if !OWN_BLOCKS
	arena_start();
#endif
	the_cache = (struct kmem_cache){ .size = size, .align = align, .ctor = ctor };
	return &the_cache;
}

void *kmem_cache_alloc_lru(struct kmem_cache *cache, struct list_lru *lru, int gfp)
{
	return granted(gfp, 1) ? fresh(gfp) : NULL;
}

int kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, size_t size, void **list)
{
	SHIM_EVENT("bulk_requests", 1);
	if (!granted(gfp, size))
		return 0;
	for (size_t i = 0; i < size; i++)
		list[i] = fresh(gfp);
	return size;
}

void kmem_cache_free(struct kmem_cache *cache, void *node)
{
	give_back(node);
	live--;
}

void kmem_cache_free_bulk(struct kmem_cache *cache, size_t size, void **list)
{
	for (size_t i = 0; i < size; i++)
		kmem_cache_free(cache, list[i]);
}

void kmem_cache_set_non_kernel(struct kmem_cache *cache, unsigned int value) { }
void kmem_cache_set_callback(struct kmem_cache *cache, void (*callback)(void *)) { }
void kmem_cache_set_private(struct kmem_cache *cache, void *private) { }
unsigned long kmem_cache_get_alloc(struct kmem_cache *cache) { return live * NODE_SIZE; }
void kmem_cache_zero_nr_tallocated(struct kmem_cache *cache) { }
unsigned int kmem_cache_nr_tallocated(struct kmem_cache *cache) { return asked; }
unsigned int kmem_cache_nr_allocated(struct kmem_cache *cache) { return live; }
