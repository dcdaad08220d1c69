/*
 * Nodes and trees: all that writer and reader share, and what is needed to put it back as it was.
 *
 * A node that was freed is never handed out again within a run, so that every use of one is seen.
 *
 * Not covered: requests for memory that are refused, memory other than nodes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "explore.h"
#include "compat.h"

#define SHEAVES		4
#define SHEAF_OBJECTS	254

char arena[ARENA] __attribute__((aligned(4096)));
unsigned char node_state[NODES];
struct ma_state writer_cursor;

static struct world {
	uint32_t used, live;
	struct ma_state cursor;
	unsigned char sheaf_used[SHEAVES];
} world, saved_world;

static struct sheaf_box {
	struct slab_sheaf sheaf;
	void *objects[SHEAF_OBJECTS];
} sheaves[SHEAVES], saved_sheaves[SHEAVES];
static char saved_arena[ARENA] __attribute__((aligned(4096)));
static unsigned char saved_state[NODES];
static unsigned char touched[NODES];
static uint32_t touched_nodes[NODES], touched_count;

uint32_t world_live(void) { return world.live; }

void world_begin(unsigned int flags)
{
	memset(node_state, NEVER, world.used);
	memset(touched, 0, sizeof(touched));
	touched_count = 0;
	world = (struct world){ .used = 1 };
	node_state[0] = LIVE;
	forget_callbacks();
	for (unsigned int i = 0; i < TREES; i++)
		mt_init_flags(tree_of(i), flags);
	mas_init(&writer_cursor, tree_of(0), 0);
}

void world_save(void)
{
	world_grace_period();
	world.cursor = writer_cursor;
	saved_world = world;
	memcpy(saved_sheaves, sheaves, sizeof(sheaves));
	memcpy(saved_arena, arena, world.used * NODE_SIZE);
	memcpy(saved_state, node_state, world.used);
	memset(touched, 0, sizeof(touched));
	touched_count = 0;
}

void world_touch(unsigned int node)
{
	if (touched[node])
		return;
	touched[node] = 1;
	touched_nodes[touched_count++] = node;
}

void world_touch_all(void)
{
	for (uint32_t node = 0; node < world.used; node++)
		if (node_state[node] == LIVE)
			world_touch(node);
}

void world_restore(void)
{
	for (uint32_t i = 0; i < touched_count; i++) {
		uint32_t node = touched_nodes[i];

		touched[node] = 0;
		if (node < saved_world.used)
			memcpy(arena + node * NODE_SIZE, saved_arena + node * NODE_SIZE, NODE_SIZE);
	}
	touched_count = 0;
	memcpy(node_state, saved_state, saved_world.used);
	memset(node_state + saved_world.used, NEVER, world.used - saved_world.used);
	for (int i = 0; i < SHEAVES; i++)
		if (saved_world.sheaf_used[i])
			sheaves[i] = saved_sheaves[i];
	world = saved_world;
	writer_cursor = world.cursor;
	forget_callbacks();
}

/* ---- the slab cache of nodes ---- */

struct kmem_cache { char nothing; };

struct kmem_cache *explore_cache(void)
{
	static struct kmem_cache cache;

	return &cache;
}

static void *take(int gfp)
{
	char *node = arena + world.used * NODE_SIZE;

	if (world.used == NODES)
		failed(NULL, NULL, "the explorer has no more nodes");
	node_state[world.used] = LIVE;
	world_touch(world.used);
	memset(node, gfp & __GFP_ZERO ? 0 : 0x5a, NODE_SIZE);
	world.used++;
	world.live++;
	return node;
}

static void give_back(char *node, void *pc, void **frame)
{
	unsigned long at = node - arena;

	if (at < NODE_SIZE || at >= ARENA || at % NODE_SIZE || node_state[at / NODE_SIZE] != LIVE)
		failed(pc, frame, "what is no live node is freed");
	node_state[at / NODE_SIZE] = FREED;
	world.live--;
	world_freed(node);
}

void *kmem_cache_alloc_lru(struct kmem_cache *cache, struct list_lru *lru, int gfp) { return take(gfp); }

int kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, size_t size, void **list)
{
	settle_stores();	/* the list may lie in a node, and is written to here */
	for (size_t i = 0; i < size; i++)
		list[i] = take(gfp);
	return size;
}

void kmem_cache_free(struct kmem_cache *cache, void *node)
{
	give_back(node, __builtin_return_address(0), __builtin_frame_address(0));
}

void kfree(void *node)
{
	give_back(node, __builtin_return_address(0), __builtin_frame_address(0));
}

/* The list may lie in a node that is itself being freed: it is read as it was before. */
void kmem_cache_free_bulk(struct kmem_cache *cache, size_t size, void **list)
{
	void *all[SHEAF_OBJECTS];

	if (size > SHEAF_OBJECTS)
		failed(NULL, NULL, "so many nodes are freed at once as are never had");
	memcpy(all, list, size * sizeof(*all));
	for (size_t i = 0; i < size; i++)
		give_back(all[i], __builtin_return_address(0), __builtin_frame_address(0));
}

struct slab_sheaf *kmem_cache_prefill_sheaf(struct kmem_cache *cache, gfp_t gfp, unsigned int size)
{
	int i = 0;

	if (!size)
		return NULL;
	while (i < SHEAVES && world.sheaf_used[i])
		i++;
	if (i == SHEAVES || size > SHEAF_OBJECTS)
		failed(NULL, NULL, "the explorer has no more sheaves");
	world.sheaf_used[i] = 1;
	sheaves[i].sheaf.capacity = SHEAF_OBJECTS;
	sheaves[i].sheaf.size = size;
	kmem_cache_alloc_bulk(cache, gfp, size, sheaves[i].sheaf.objects);
	return &sheaves[i].sheaf;
}

int kmem_cache_refill_sheaf(struct kmem_cache *cache, gfp_t gfp, struct slab_sheaf **sheafp, unsigned int size)
{
	struct slab_sheaf *sheaf = *sheafp;

	if (sheaf->size >= size)
		return 0;
	if (size > SHEAF_OBJECTS)
		failed(NULL, NULL, "the explorer has no more sheaves");
	kmem_cache_alloc_bulk(cache, gfp, size - sheaf->size, sheaf->objects + sheaf->size);
	sheaf->size = size;
	return 0;
}

void *kmem_cache_alloc_from_sheaf(struct kmem_cache *cache, gfp_t gfp, struct slab_sheaf *sheaf)
{
	void *node;

	if (!sheaf->size)
		return NULL;
	node = sheaf->objects[--sheaf->size];
	if (gfp & __GFP_ZERO)
		memset(node, 0, NODE_SIZE);
	return node;
}

void kmem_cache_return_sheaf(struct kmem_cache *cache, gfp_t gfp, struct slab_sheaf *sheaf)
{
	kmem_cache_free_bulk(cache, sheaf->size, sheaf->objects);
	world.sheaf_used[(struct sheaf_box *)sheaf - sheaves] = 0;
}

/* Hooks that the debug build of maple_tree.c names for its own tests. */
void kmem_cache_set_non_kernel(struct kmem_cache *cache, unsigned int value) { }
void kmem_cache_set_callback(struct kmem_cache *cache, void (*callback)(void *)) { }
void kmem_cache_set_private(struct kmem_cache *cache, void *private) { }
unsigned long kmem_cache_get_alloc(struct kmem_cache *cache) { return world.live * NODE_SIZE; }
void kmem_cache_zero_nr_tallocated(struct kmem_cache *cache) { }
unsigned int kmem_cache_nr_tallocated(struct kmem_cache *cache) { return world.used; }
unsigned int kmem_cache_nr_allocated(struct kmem_cache *cache) { return world.live; }
