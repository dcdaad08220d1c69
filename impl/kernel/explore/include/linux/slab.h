/* The part of the slab interface that maple_tree.c calls, of all versions; world.c stands for it. */
#ifndef MAPLEPROOF_EXPLORE_SLAB_H
#define MAPLEPROOF_EXPLORE_SLAB_H

#include <linux/types.h>
#include <linux/gfp.h>

#define SLAB_PANIC 2

struct kmem_cache;
struct list_lru;
struct kmem_cache_args { unsigned int align, sheaf_capacity; };

/* Sheaves (from 6.18 on): nodes that were got ahead. */
struct slab_sheaf { unsigned int size, capacity; void *objects[]; };

struct kmem_cache *explore_cache(void);
#define kmem_cache_create(...) explore_cache()

void *kmem_cache_alloc_lru(struct kmem_cache *cache, struct list_lru *lru, int gfp);
static inline void *kmem_cache_alloc(struct kmem_cache *cache, int gfp)
{
	return kmem_cache_alloc_lru(cache, NULL, gfp);
}
int kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, size_t size, void **list);
void kmem_cache_free(struct kmem_cache *cache, void *node);
void kmem_cache_free_bulk(struct kmem_cache *cache, size_t size, void **list);
void kfree(void *node);

struct slab_sheaf *kmem_cache_prefill_sheaf(struct kmem_cache *cache, gfp_t gfp, unsigned int size);
int kmem_cache_refill_sheaf(struct kmem_cache *cache, gfp_t gfp, struct slab_sheaf **sheaf, unsigned int size);
void *kmem_cache_alloc_from_sheaf(struct kmem_cache *cache, gfp_t gfp, struct slab_sheaf *sheaf);
void kmem_cache_return_sheaf(struct kmem_cache *cache, gfp_t gfp, struct slab_sheaf *sheaf);
static inline unsigned int kmem_cache_sheaf_size(struct slab_sheaf *sheaf) { return sheaf->size; }
#define might_alloc(gfp) do { } while (0)

static inline void kmem_cache_shrink(struct kmem_cache *cache) { }

#endif
