/* The part of the slab interface that maple_tree.c calls; alloc.c stands for it. */
#ifndef MAPLEPROOF_SLAB_H
#define MAPLEPROOF_SLAB_H

#include <linux/types.h>
#include <linux/gfp.h>

#define SLAB_PANIC 2

struct kmem_cache;
struct list_lru;

struct kmem_cache *kmem_cache_create(const char *name, unsigned int size, unsigned int align, unsigned int flags,
				     void (*ctor)(void *));
void *kmem_cache_alloc_lru(struct kmem_cache *cache, struct list_lru *lru, int gfp);
static inline void *kmem_cache_alloc(struct kmem_cache *cache, int gfp)
{
	return kmem_cache_alloc_lru(cache, NULL, gfp);
}
int kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, size_t size, void **list);
void kmem_cache_free(struct kmem_cache *cache, void *node);
void kmem_cache_free_bulk(struct kmem_cache *cache, size_t size, void **list);

/* Only the debug part of maple_tree.c declares these for its own tests; nothing here calls them. */
static inline void kmem_cache_shrink(struct kmem_cache *cache) { }

#endif
