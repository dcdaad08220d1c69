/* The part of the slab interface that maple_tree.c calls; alloc.c stands for it. */
#ifndef MAPLEPROOF_SLAB_H
#define MAPLEPROOF_SLAB_H

#include <linux/types.h>
#include <linux/gfp.h>

#define SLAB_PANIC 2

struct kmem_cache;
struct list_lru;

/* A cache is made with a struct of arguments, or in older trees with an alignment. */
struct kmem_cache_args { unsigned int align, sheaf_capacity; };

struct kmem_cache *shim_cache_create(unsigned int size, unsigned int align, unsigned int sheaf_capacity);
static inline struct kmem_cache *shim_cache_create_args(const char *name, unsigned int size,
							struct kmem_cache_args *args, unsigned int flags)
{
	return shim_cache_create(size, args->align, args->sheaf_capacity);
}
static inline struct kmem_cache *shim_cache_create_align(const char *name, unsigned int size, unsigned int align,
							 unsigned int flags, void (*ctor)(void *))
{
	return shim_cache_create(size, align, 0);
}
#define kmem_cache_create(name, size, how, ...) _Generic((how),			\
	struct kmem_cache_args *: shim_cache_create_args,			\
	default: shim_cache_create_align)(name, size, how, __VA_ARGS__)

void *kmem_cache_alloc_lru(struct kmem_cache *cache, struct list_lru *lru, int gfp);
static inline void *kmem_cache_alloc(struct kmem_cache *cache, int gfp)
{
	return kmem_cache_alloc_lru(cache, NULL, gfp);
}
int kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, size_t size, void **list);
void kmem_cache_free(struct kmem_cache *cache, void *node);
void kmem_cache_free_bulk(struct kmem_cache *cache, size_t size, void **list);
void kfree(const void *node);

/* Sheaves: nodes that are got ahead, as many as were asked for. */
struct slab_sheaf { unsigned int size, capacity; void *objects[]; };

struct slab_sheaf *kmem_cache_prefill_sheaf(struct kmem_cache *cache, gfp_t gfp, unsigned int size);
int kmem_cache_refill_sheaf(struct kmem_cache *cache, gfp_t gfp, struct slab_sheaf **sheaf, unsigned int size);
void *kmem_cache_alloc_from_sheaf(struct kmem_cache *cache, gfp_t gfp, struct slab_sheaf *sheaf);
void kmem_cache_return_sheaf(struct kmem_cache *cache, gfp_t gfp, struct slab_sheaf *sheaf);
static inline unsigned int kmem_cache_sheaf_size(struct slab_sheaf *sheaf) { return sheaf->size; }

/* A request that may sleep is made where sleeping is allowed. */
void shim_may_alloc(gfp_t gfp, const char *function, const char *file, int line);
#define might_alloc(gfp)	shim_may_alloc(gfp, __func__, __FILE__, __LINE__)

/* Only the debug part of maple_tree.c declares these for its own tests; nothing here calls them. */
static inline void kmem_cache_shrink(struct kmem_cache *cache) { }

#endif
