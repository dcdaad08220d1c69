/*
 * The slab cache that holds maple nodes: kmem_cache_alloc(), kmem_cache_alloc_bulk(), their frees, and sheaves.
 *
 * Fresh nodes are filled with a pattern unless zeroes were asked for, freed ones are poisoned, wait at the end of
 * a queue before they are handed out again, and must then still hold the poison. A node that is freed twice, or
 * was never allocated, ends the step. A request for many nodes that cannot be met whole gets none and returns 0,
 * as the kernel's does. Under AddressSanitizer each node is a block of its own, so that the sanitizer sees it.
 *
 * A sheaf holds just as many nodes as were asked for, so that a write which needs more is seen. What must not fail
 * (__GFP_NOFAIL) never does, and what may dip into reserves (GFP_ATOMIC) is no request that is refused for not
 * sleeping. A request that may sleep where sleeping is forbidden is a failure of kind "lockdep".
 *
 * Not covered: reclaim, memory cgroups, more than one cache.
 *
 * The last functions are hooks that the debug build of maple_tree.c names for its own tests; nothing calls them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <linux/lockdep.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include "events.h"
#include "shim.h"

#define NODE_SIZE	256UL
#define NODE_FRESH	0x5a
#define NODE_POISON	0x6b
#if defined(__LP64__)
#define MAX_NODES	(1UL << 26)
#else
#define MAX_NODES	(1UL << 21)
#endif
#define QUARANTINE	1024
#define NONE		UINT32_MAX

#if defined(__SANITIZE_ADDRESS__)
#define OWN_BLOCKS 1
#else
#define OWN_BLOCKS 0
#endif

struct kmem_cache {
	unsigned int size, align, sheaf_capacity;
};

static struct kmem_cache the_cache;
static unsigned long live;
static struct shim_counts counts;
static enum shim_plan plan;
static uint32_t left;
static unsigned int failures_in_a_row;
bool shim_nowait_fails;

void shim_alloc_step(enum shim_plan what, uint32_t number)
{
	plan = what;
	left = number;
	counts = (struct shim_counts){ 0 };
	failures_in_a_row = 0;
}

unsigned long shim_alloc_live(void) { return live; }
struct shim_counts *shim_alloc_counts(void) { return &counts; }
void shim_alloc_forget(void) { live = 0; }

/* What the plan of this step says to one more request for count nodes. */
static bool planned(gfp_t gfp, size_t count)
{
	switch (plan) {
	case SHIM_FAIL_AFTER:
		if (left >= count) {
			left -= count;
			return true;
		}
		left = 0;
		return false;
	case SHIM_FAIL_ONCE:
		if (left >= count) {
			left -= count;
			return true;
		}
		plan = SHIM_FAIL_NEVER;
		return false;
	case SHIM_FAIL_NOWAIT:
		return gfp & (__GFP_DIRECT_RECLAIM | __GFP_HIGH);
	default:
		return !shim_nowait_fails || gfp & (__GFP_DIRECT_RECLAIM | __GFP_HIGH);
	}
}

void shim_may_alloc(gfp_t gfp, const char *function, const char *file, int line)
{
	if (gfp & __GFP_DIRECT_RECLAIM && (shim_spinlocks || shim_rcu_sections))
		shim_lockdep(function, file, line, "a request that may sleep, with a spinlock held or under RCU");
}

/* One request for count nodes: may it be met? */
static bool granted(gfp_t gfp, size_t count)
{
	might_alloc(gfp);
	counts.asked += count;
	if (planned(gfp, count) || gfp & __GFP_NOFAIL) {
		failures_in_a_row = 0;
		return true;
	}
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
	counts.allocated++;
	SHIM_EVENT("nodes_allocated", 1);
	return node;
}

struct kmem_cache *shim_cache_create(unsigned int size, unsigned int align, unsigned int sheaf_capacity)
{
	if (size != NODE_SIZE || align != NODE_SIZE)
		shim_crash("layout", "nodes are not 256 bytes");
#if !OWN_BLOCKS
	arena_start();
#endif
	the_cache = (struct kmem_cache){ .size = size, .align = align, .sheaf_capacity = sheaf_capacity };
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
	counts.freed++;
}

void kfree(const void *node) { kmem_cache_free(&the_cache, (void *)node); }

void kmem_cache_free_bulk(struct kmem_cache *cache, size_t size, void **list)
{
	for (size_t i = 0; i < size; i++)
		kmem_cache_free(cache, list[i]);
}

struct slab_sheaf *kmem_cache_prefill_sheaf(struct kmem_cache *cache, gfp_t gfp, unsigned int size)
{
	unsigned int capacity = size > cache->sheaf_capacity ? size : cache->sheaf_capacity;
	struct slab_sheaf *sheaf = malloc(sizeof(*sheaf) + capacity * sizeof(void *));

	if (!sheaf)
		shim_crash("out of memory", "the server itself");
	*sheaf = (struct slab_sheaf){ .size = size, .capacity = capacity };
	SHIM_EVENT("sheaves", 1);
	if (!kmem_cache_alloc_bulk(cache, gfp, size, sheaf->objects)) {
		free(sheaf);
		return NULL;
	}
	return sheaf;
}

int kmem_cache_refill_sheaf(struct kmem_cache *cache, gfp_t gfp, struct slab_sheaf **sheaf, unsigned int size)
{
	struct slab_sheaf *held = *sheaf;

	if (held->size >= size)
		return 0;
	if (size > held->capacity) {
		*sheaf = kmem_cache_prefill_sheaf(cache, gfp, size);
		if (!*sheaf) {
			*sheaf = held;
			return -ENOMEM;
		}
		kmem_cache_return_sheaf(cache, gfp, held);
		return 0;
	}
	if (!kmem_cache_alloc_bulk(cache, gfp, size - held->size, held->objects + held->size))
		return -ENOMEM;
	held->size = size;
	return 0;
}

/* The kernel's may find another node in an empty sheaf's stead, or none: a write must not count on that. */
void *kmem_cache_alloc_from_sheaf(struct kmem_cache *cache, gfp_t gfp, struct slab_sheaf *sheaf)
{
	void *node;

	if (!sheaf->size)
		shim_crash("nodes ran out", "a write took more nodes than it had asked for");
	node = sheaf->objects[--sheaf->size];
	if (gfp & __GFP_ZERO)
		memset(node, 0, NODE_SIZE);
	return node;
}

void kmem_cache_return_sheaf(struct kmem_cache *cache, gfp_t gfp, struct slab_sheaf *sheaf)
{
	kmem_cache_free_bulk(cache, sheaf->size, sheaf->objects);
	free(sheaf);
}

void kmem_cache_set_non_kernel(struct kmem_cache *cache, unsigned int value) { }
void kmem_cache_set_callback(struct kmem_cache *cache, void (*callback)(void *)) { }
void kmem_cache_set_private(struct kmem_cache *cache, void *private) { }
unsigned long kmem_cache_get_alloc(struct kmem_cache *cache) { return live * NODE_SIZE; }
void kmem_cache_zero_nr_tallocated(struct kmem_cache *cache) { }
unsigned int kmem_cache_nr_tallocated(struct kmem_cache *cache) { return counts.asked; }
unsigned int kmem_cache_nr_allocated(struct kmem_cache *cache) { return live; }
