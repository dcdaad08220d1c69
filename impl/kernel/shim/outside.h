/*
 * The writes of the normal API for a tree made with MT_FLAGS_LOCK_EXTERN, which has no lock of its own that they could
 * take: the same through a cursor, with the outside lock held, as the users of such trees write them.
 */
#ifndef MAPLEPROOF_OUTSIDE_H
#define MAPLEPROOF_OUTSIDE_H

#include <stdint.h>
#include <linux/maple_tree.h>

int outside_store_range(struct maple_tree *tree, unsigned long first, unsigned long last, void *entry, gfp_t gfp);
int outside_insert_range(struct maple_tree *tree, unsigned long first, unsigned long last, void *entry, gfp_t gfp);
void *outside_erase(struct maple_tree *tree, unsigned long index);
int outside_alloc_range(struct maple_tree *tree, unsigned long *start, void *entry, unsigned long size,
			unsigned long min, unsigned long max, gfp_t gfp);
int outside_alloc_rrange(struct maple_tree *tree, unsigned long *start, void *entry, unsigned long size,
			 unsigned long min, unsigned long max, gfp_t gfp);

#endif
