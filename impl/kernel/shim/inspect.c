/*
 * A tree as it stands: its entries (snapshot), its nodes (shape), and whether it is sound (check).
 *
 * snapshot goes through mas_find(), as a user of the tree would. shape and check read the nodes themselves, from
 * their declarations in the tree's header alone, so that they do not lean on the code that they look at. check
 * also runs mt_validate() where the build has it (CONFIG_DEBUG_MAPLE_TREE).
 */
#include <stdarg.h>
#include <stdio.h>
#include <linux/maple_tree.h>
#include <linux/xarray.h>
#include "events.h"
#include "shim.h"
#include "step.h"

#define LEAF_MINIMUM	(MAPLE_RANGE64_SLOTS / 2 - 2)
#define ARANGE_MINIMUM	(MAPLE_ARANGE64_SLOTS / 2 - 1)

struct view {
	struct maple_node *node;
	enum maple_type type;
	unsigned long min, max;
	unsigned int depth, slots, pivots, end;
	unsigned long *pivot, *gap;
	void **slot;
	struct maple_metadata *meta;
};

struct walk {
	struct maple_tree *tree;
	struct answer *answer;
	bool failed, after_null;
	unsigned int leaf_depth;	/* 0: no leaf met yet */
	unsigned long entries, hash;
};

static unsigned long mix(unsigned long hash, unsigned long word)
{
	return (hash ^ word) * 0x9e3779b97f4a7c15UL;
}

static bool is_node(const void *entry)
{
	return ((unsigned long)entry & 3) == 2 && (unsigned long)entry > MAPLE_RESERVED_RANGE;
}

/* Older trees say by a number that is no slot's that there is no gap below a node. */
static bool no_gap_mark(const struct view *v)
{
#if HAVE_no_gap_mark
	return v->meta->gap == MAPLE_ARANGE64_META_MAX;
#else
	return false;
#endif
}

static struct view view_of(const void *encoded, unsigned long min, unsigned long max, unsigned int depth)
{
	struct view v = { .min = min, .max = max, .depth = depth };

	v.node = (struct maple_node *)((unsigned long)encoded & ~MAPLE_NODE_MASK);
	v.type = ((unsigned long)encoded >> MAPLE_NODE_TYPE_SHIFT) & MAPLE_NODE_TYPE_MASK;
	if (v.type == maple_arange_64) {
		v.slots = MAPLE_ARANGE64_SLOTS;
		v.pivot = v.node->ma64.pivot;
		v.slot = (void **)v.node->ma64.slot;
		v.gap = v.node->ma64.gap;
		v.meta = &v.node->ma64.meta;
	} else {
		v.slots = MAPLE_RANGE64_SLOTS;
		v.pivot = v.node->mr64.pivot;
		v.slot = (void **)v.node->mr64.slot;
		v.meta = &v.node->mr64.meta;
	}
	v.pivots = v.slots - 1;
	while (v.end < v.pivots && v.pivot[v.end] < max && (v.pivot[v.end] || !v.end))
		v.end++;
	return v;
}

static unsigned long last_of(const struct view *v, unsigned int i)
{
	return i < v->pivots && i < v->end ? v->pivot[i] : v->max;
}

static void fail(struct walk *w, const struct view *v, const char *format, ...)
{
	char text[512];
	va_list args;
	int n = 0;

	if (w->failed)
		return;
	w->failed = true;
	va_start(args, format);
	n += vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (v)
		n += snprintf(text + n, sizeof(text) - n, " (node [%#lx..%#lx] at depth %u)", v->min, v->max, v->depth);
	w->answer->ret = -EINVAL;
	w->answer->status = n;
	reply_bytes(text, n);
}

/* The sentences that hold for one node by itself. */
static bool check_node(struct walk *w, const struct view *v, const void *parent, unsigned int parent_slot)
{
	unsigned long stands = (unsigned long)v->node->parent, previous = v->min;
	bool leaf = v->type == maple_leaf_64, allocation = w->tree->ma_flags & MT_FLAGS_ALLOC_RANGE;
	unsigned int end = v->meta->end, i;

	if (!parent && stands != ((unsigned long)w->tree | 1))
		fail(w, v, "the root's parent is the tree");
	if (parent && ((stands & ~MAPLE_NODE_MASK) != (unsigned long)parent || ((stands >> 3) & 31) != parent_slot))
		fail(w, v, "a node names its parent and its slot %u there", parent_slot);
	for (i = 0; i < v->end; i++) {
		if (v->pivot[i] < previous || (i && v->pivot[i] == v->pivot[i - 1]))
			fail(w, v, "pivots rise: pivot %u is %#lx", i, v->pivot[i]);
		previous = v->pivot[i];
	}
	if (v->end < v->pivots && v->pivot[v->end] != v->max)
		fail(w, v, "the last pivot is the node's maximum: pivot %u is %#lx", v->end, v->pivot[v->end]);
	if (v->type != maple_arange_64) {
		if (v->pivot[v->pivots - 1])
			end = v->pivot[v->pivots - 1] == v->max ? v->pivots - 1 : v->pivots;
	}
	if (end != v->end)
		fail(w, v, "the node knows its data end: %u, but its pivots say %u", end, v->end);
	for (i = v->end + 1; i < v->slots - (v->type != maple_arange_64); i++)
		if (v->slot[i])
			fail(w, v, "no slot is used behind the data end: slot %u", i);
	if (parent && v->max != ULONG_MAX && v->end < (v->type == maple_arange_64 ? ARANGE_MINIMUM : LEAF_MINIMUM))
		fail(w, v, "every node but the root is full enough: %u slots", v->end + 1);
	if (leaf)
		return !w->failed;
	if (v->type != (allocation ? maple_arange_64 : maple_range_64))
		fail(w, v, "an inner node's type suits the tree: type %d", v->type);
	if (v->gap) {
		for (i = v->end + 1; i < v->slots; i++)
			if (v->gap[i])
				fail(w, v, "no gap is noted behind the data end: gap %u", i);
		if (v->meta->gap > v->end && !no_gap_mark(v))
			fail(w, v, "the largest gap is a child's: %u", v->meta->gap);
	}
	return !w->failed;
}

/* Visit a node and all below it; the answer is the largest run of NULL in it. */
static unsigned long check_below(struct walk *w, const void *encoded, unsigned long min, unsigned long max,
				 unsigned int depth, const void *parent, unsigned int parent_slot)
{
	const void *node = (void *)((unsigned long)encoded & ~MAPLE_NODE_MASK);
	unsigned long largest = 0, first = min;
	struct view v;

	if (!shim_alloc_is_live(node)) {
		struct view nowhere = { .min = min, .max = max, .depth = depth };

		fail(w, &nowhere, "every node is allocated: slot %u of its parent holds %p", parent_slot, encoded);
		return 0;
	}
	if (depth > MAPLE_HEIGHT_MAX) {
		fail(w, NULL, "the tree is not endless");
		return 0;
	}
	v = view_of(encoded, min, max, depth);
	if (v.type != maple_leaf_64 && v.type != maple_range_64 && v.type != maple_arange_64)
		fail(w, &v, "a node has one of the three types: %d", v.type);
	if (w->failed || !check_node(w, &v, parent, parent_slot))
		return 0;
	if (v.type == maple_leaf_64) {
		if (!w->leaf_depth)
			w->leaf_depth = depth;
		if (w->leaf_depth != depth)
			fail(w, &v, "all leaves are at one height");
	}
	for (unsigned int i = 0; i <= v.end && !w->failed; i++) {
		unsigned long last = last_of(&v, i), run;

		if (v.type != maple_leaf_64) {
			run = check_below(w, v.slot[i], first, last, depth + 1, v.node, i);
			if (v.gap && v.gap[i] != run && !w->failed)
				fail(w, &v, "a gap is the largest run of NULL below: gap %u is %#lx, not %#lx", i,
				     v.gap[i], run);
		} else if (v.slot[i]) {
			run = 0;
			w->after_null = false;
			w->entries++;
			w->hash = mix(mix(mix(w->hash, first), last), (unsigned long)v.slot[i]);
		} else {
			run = last - first + 1;
			if (w->after_null)
				fail(w, &v, "no two NULL slots are neighbours: slot %u", i);
			w->after_null = true;
		}
		if (run > largest)
			largest = run;
		first = last + 1;
	}
	if (v.gap && !w->failed && (no_gap_mark(&v) ? 0 : v.gap[v.meta->gap]) != largest)
		fail(w, &v, "the node knows its largest gap: slot %u, but %#lx is the largest", v.meta->gap, largest);
	return largest;
}

/* How often trees of so many levels were found sound: the last stands for all that are taller. */
static struct shim_event heights[] SHIM_EVENTS = {
	{ "height_0" }, { "height_1" }, { "height_2" }, { "height_3" }, { "height_4" }, { "height_5" }, { "height_6" },
};
#define TALLEST		(sizeof(heights) / sizeof(*heights) - 1)

void inspect_check(struct maple_tree *tree, struct answer *answer)
{
	struct walk w = { .tree = tree, .answer = answer };
	unsigned long entries = 0, hash = 0;
	void *root = (void *)tree->ma_root, *entry;
	MA_STATE(mas, tree, 0, 0);

	if (is_node(root))
		check_below(&w, root, 0, ULONG_MAX, 1, NULL, 0);
	else if (root) {
		w.entries = 1;
		w.hash = mix(mix(mix(0, 0), 0), (unsigned long)root);
	}
	if (!w.failed && mt_height(tree) != w.leaf_depth)
		fail(&w, NULL, "the tree knows its height: %u, but it is %u", mt_height(tree), w.leaf_depth);
	if (w.failed)
		return;
	rcu_read_lock();
	mas_for_each(&mas, entry, ULONG_MAX) {
		entries++;
		hash = mix(mix(mix(hash, mas.index), mas.last), (unsigned long)entry);
		if (entries > w.entries)
			break;
	}
	rcu_read_unlock();
	if (entries != w.entries || hash != w.hash)
		fail(&w, NULL, "mas_find() meets what the nodes hold: %lu entries, not %lu", entries, w.entries);
	else
		heights[w.leaf_depth < TALLEST ? w.leaf_depth : TALLEST].times++;
#ifdef CONFIG_DEBUG_MAPLE_TREE
	ops_lock(tree);
	mt_validate(tree);
	ops_unlock(tree);
#endif
}

void inspect_snapshot(struct maple_tree *tree, struct answer *answer)
{
	MA_STATE(mas, tree, 0, 0);
	void *entry;

	rcu_read_lock();
	mas_for_each(&mas, entry, ULONG_MAX) {
		reply_word(mas.index);
		reply_word(mas.last);
		reply_word((unsigned long)entry);
		answer->status += 3;
	}
	rcu_read_unlock();
}

/* Per node: depth, flags (1 leaf, 2 has gaps), slots in use, min, max; then per slot its last and its content. */
static void shape_below(const void *encoded, unsigned long min, unsigned long max, unsigned int depth,
			struct answer *answer)
{
	struct view v = view_of(encoded, min, max, depth);
	bool leaf = v.type == maple_leaf_64;
	unsigned long first = min;

	reply_word(depth);
	reply_word(leaf | (v.gap ? 2 : 0));
	reply_word(v.end + 1);
	reply_word(min);
	reply_word(max);
	answer->status += 5 + 2 * (v.end + 1);
	for (unsigned int i = 0; i <= v.end; i++) {
		reply_word(last_of(&v, i));
		reply_word(leaf ? (unsigned long)v.slot[i] : v.gap ? v.gap[i] : 0);
	}
	for (unsigned int i = 0; i <= v.end && !leaf; i++) {
		shape_below(v.slot[i], first, last_of(&v, i), depth + 1, answer);
		first = last_of(&v, i) + 1;
	}
}

void inspect_shape(struct maple_tree *tree, struct answer *answer)
{
	void *root = (void *)tree->ma_root;

	answer->entry = is_node(root) ? 0 : (unsigned long)root;
	if (is_node(root))
		shape_below(root, 0, ULONG_MAX, 1, answer);
}

/*
 * Where nodes end, but for the top of the address space: each leaf's once, a higher node's 8 times more for every
 * level, since there are fewer of them and what ends there ends a whole subtree.
 */
static unsigned int borders_below(const void *encoded, unsigned long min, unsigned long max, unsigned int depth,
				  struct answer *answer)
{
	struct view v = view_of(encoded, min, max, depth);
	unsigned int times = 1;

	for (unsigned int i = 0; i <= v.end && v.type != maple_leaf_64; i++) {
		times = 8 * borders_below(v.slot[i], min, last_of(&v, i), depth + 1, answer);
		min = last_of(&v, i) + 1;
	}
	for (unsigned int i = 0; i < times && max != ULONG_MAX; i++, answer->status++)
		reply_word(max);
	return times;
}

void inspect_borders(struct maple_tree *tree, struct answer *answer)
{
	if (is_node((void *)tree->ma_root))
		borders_below((void *)tree->ma_root, 0, ULONG_MAX, 1, answer);
}
