#include <errno.h>
#include "outside.h"
#include "step.h"

static int store(struct ma_state *mas, void *entry, gfp_t gfp)
{
	int ret = mas_store_gfp(mas, entry, gfp);

	mas_destroy(mas);
	return ret;
}

int outside_store_range(struct maple_tree *tree, unsigned long first, unsigned long last, void *entry, gfp_t gfp)
{
	MA_STATE(mas, tree, first, last);
	int ret;

	if (first > last)
		return -EINVAL;
	ops_lock(tree);
	ret = store(&mas, entry, gfp);
	ops_unlock(tree);
	return ret;
}

int outside_insert_range(struct maple_tree *tree, unsigned long first, unsigned long last, void *entry, gfp_t gfp)
{
	MA_STATE(mas, tree, first, first);
	int ret = -EEXIST;

	if (first > last)
		return -EINVAL;
	ops_lock(tree);
	if (!mas_find(&mas, last)) {
		mas_set_range(&mas, first, last);
		ret = store(&mas, entry, gfp);
	}
	ops_unlock(tree);
	return ret;
}

void *outside_erase(struct maple_tree *tree, unsigned long index)
{
	MA_STATE(mas, tree, index, index);
	void *entry;

	ops_lock(tree);
	entry = mas_erase(&mas);
	ops_unlock(tree);
	return entry;
}

static int alloc(struct maple_tree *tree, unsigned long *start, void *entry, unsigned long size, unsigned long min,
		 unsigned long max, gfp_t gfp, int (*search)(struct ma_state *, unsigned long, unsigned long, unsigned long))
{
	MA_STATE(mas, tree, 0, 0);
	int ret;

	if (!(tree->ma_flags & MT_FLAGS_ALLOC_RANGE))
		return -EINVAL;
	ops_lock(tree);
	ret = search(&mas, min, max, size);
	if (!ret) {
		*start = mas.index;
		ret = store(&mas, entry, gfp);
	}
	ops_unlock(tree);
	return ret;
}

int outside_alloc_range(struct maple_tree *tree, unsigned long *start, void *entry, unsigned long size,
			unsigned long min, unsigned long max, gfp_t gfp)
{
	return alloc(tree, start, entry, size, min, max, gfp, mas_empty_area);
}

int outside_alloc_rrange(struct maple_tree *tree, unsigned long *start, void *entry, unsigned long size,
			 unsigned long min, unsigned long max, gfp_t gfp)
{
	return alloc(tree, start, entry, size, min, max, gfp, mas_empty_area_rev);
}
