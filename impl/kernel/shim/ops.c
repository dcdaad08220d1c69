/*
 * One step of a case as one call of the kernel's API: the ops of the case format, and those that only this port
 * has. Trees and cursors are numbered; each is there, empty, when it is first named.
 *
 * Entries are value entries (xa_mk_value()), so none is ever taken for a node, an error or a reserved entry.
 * Writes through a cursor hold the tree's lock, as the advanced API asks for; reads are under no lock.
 */
#include <stdlib.h>
#include <time.h>
#include <linux/maple_tree.h>
#include <linux/xarray.h>
#include "shim.h"
#include "step.h"
#include "compat.h"

#define MAX_TREES	65536
#define MAX_CURSORS	256

#define LOCKED(mas, call) do {	\
	mas_lock(mas);		\
	call;			\
	mas_unlock(mas);	\
} while (0)

static struct maple_tree *trees[MAX_TREES];
static struct ma_state cursors[MAX_CURSORS];
static unsigned int tree_flags, trees_named, cursors_named;
static bool rcu_by_hand;
static unsigned int readers;

static struct maple_tree *tree_of(unsigned int number)
{
	struct maple_tree *tree = trees[number];

	if (likely(tree && number < trees_named))
		return tree;
	while (trees_named <= number) {
		if (!trees[trees_named])
			trees[trees_named] = malloc(sizeof(*tree));
		mt_init_flags(trees[trees_named++], tree_flags);
	}
	return trees[number];
}

static struct ma_state *cursor_of(unsigned int number)
{
	while (cursors_named <= number)
		mas_init(&cursors[cursors_named++], tree_of(0), 0);
	return &cursors[number];
}

/* Every cursor's spare nodes and every tree are given back, then tree 0, the cursors and the counts of
 * events start anew. */
void ops_reset(unsigned int flags)
{
	shim_alloc_step(SHIM_NO_LIMIT);
	for (unsigned int i = 0; i < cursors_named; i++)
		mas_destroy(&cursors[i]);
	for (unsigned int i = 0; i < trees_named; i++)
		mtree_destroy(trees[i]);
	shim_rcu_run();
	tree_flags = flags;
	trees_named = cursors_named = readers = 0;
	tree_of(0);
	cursor_of(0);
	events_clear();
}

static void *entry_of(uint64_t entry)
{
	return entry ? xa_mk_value(entry) : NULL;
}

static void cursor_answer(struct answer *answer, struct ma_state *mas, void *entry)
{
	answer->entry = (unsigned long)entry;
	answer->index = mas->index;
	answer->last = mas->last;
	answer->status = cursor_status(mas);
}

/* Where no room was found, where the cursor stands is nobody's business. */
static void area_answer(struct answer *answer, struct ma_state *mas)
{
	if (answer->ret)
		return;
	answer->index = mas->index;
	answer->last = mas->last;
}

/* For benchmarks: what lies between two of these was done in this process, without the pipe. */
static uint64_t nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

#if HAVE_mtree_dup
static int dup(struct maple_tree *from, unsigned int into)
{
	unsigned int flags = from->ma_flags & ~MT_FLAGS_HEIGHT_MASK;
	struct maple_tree *to = tree_of(into);

	if (to != from) {
		mtree_destroy(to);
		mt_init_flags(to, flags);
	}
	return mtree_dup(from, to, GFP_KERNEL);
}
#endif

static void run(const struct step *s, struct answer *answer)
{
	struct ma_state *mas = cursor_of(s->cursor);
	struct maple_tree *mt = tree_of(s->tree);
	unsigned long index, next;
	void *entry;

	switch (s->op) {
	case OP_reset:
		rcu_by_hand = s->b & 1;
		shim_nowait_fails = s->b & 2;
		shim_warn_is_fatal = !(s->b & 4);
		ops_reset(s->a);
		answer->index = shim_alloc_live();	/* what nothing holds any more: leaked */
		shim_alloc_forget();
		break;
	case OP_live_allocations:
		answer->index = shim_alloc_live();
		answer->last = shim_rcu_pending();
		answer->entry = shim_warnings;
		break;
	case OP_events:
		events_tell(answer);
		break;
	case OP_clock:
		answer->index = nanoseconds();
		break;
	case OP_rcu_read_lock:
		readers++;
		break;
	case OP_rcu_read_unlock:
		if (readers)
			readers--;
		break;
	case OP_rcu_barrier:
		if (!readers)
			shim_rcu_run();
		break;
	case OP_snapshot:
		inspect_snapshot(mt, answer);
		break;
	case OP_shape:
		inspect_shape(mt, answer);
		break;
	case OP_borders:
		inspect_borders(mt, answer);
		break;
	case OP_check:
		inspect_check(mt, answer);
		break;
	case OP_cursor:
		cursor_answer(answer, mas, NULL);
		break;

	case OP_mtree_load:
		answer->entry = (unsigned long)mtree_load(mt, s->a);
		break;
	case OP_mtree_store_range:
		answer->ret = mtree_store_range(mt, s->a, s->b, entry_of(s->c), GFP_KERNEL);
		break;
	case OP_mtree_insert_range:
		answer->ret = mtree_insert_range(mt, s->a, s->b, entry_of(s->c), GFP_KERNEL);
		break;
	case OP_mtree_erase:
		answer->entry = (unsigned long)mtree_erase(mt, s->a);
		/* it does not say that there was no memory to erase: what is there now does */
		if (s->fail_after != SHIM_NO_LIMIT && answer->entry && mtree_load(mt, s->a))
			answer->ret = -ENOMEM;
		break;
	case OP_mtree_alloc_range:
		answer->ret = mtree_alloc_range(mt, &index, entry_of(s->a), s->b, s->c, s->d, GFP_KERNEL);
		if (!answer->ret)
			answer->index = index;
		break;
	case OP_mtree_alloc_rrange:
		answer->ret = mtree_alloc_rrange(mt, &index, entry_of(s->a), s->b, s->c, s->d, GFP_KERNEL);
		if (!answer->ret)
			answer->index = index;
		break;
#if HAVE_mtree_alloc_cyclic
	case OP_mtree_alloc_cyclic:
		next = s->d;
		answer->ret = mtree_alloc_cyclic(mt, &index, entry_of(s->a), s->b, s->c, &next, GFP_KERNEL);
		if (answer->ret >= 0) {
			answer->index = index;
			answer->last = next;
		}
		break;
#endif
	case OP_mt_find:
		index = s->a;
		answer->entry = (unsigned long)mt_find(mt, &index, s->b);
		if (answer->entry)
			answer->index = index;
		break;
	case OP_mt_find_after:
		index = s->a;
		answer->entry = (unsigned long)mt_find_after(mt, &index, s->b);
		if (answer->entry)
			answer->index = index;
		break;
	case OP_mt_next:
		answer->entry = (unsigned long)mt_next(mt, s->a, s->b);
		break;
	case OP_mt_prev:
		answer->entry = (unsigned long)mt_prev(mt, s->a, s->b);
		break;
#if HAVE_mtree_dup
	case OP_mtree_dup:
		answer->ret = dup(mt, s->a);
		break;
#endif
	case OP_mtree_destroy:
		mtree_destroy(mt);
		break;
#if HAVE_mt_set_in_rcu
	case OP_mt_set_in_rcu:
		mt_set_in_rcu(mt);
		break;
	case OP_mt_clear_in_rcu:
		mt_clear_in_rcu(mt);
		break;
#endif

	case OP_mas_init:
		mas_init(mas, mt, s->a);
		break;
	case OP_mas_set:
		mas_set(mas, s->a);
		break;
	case OP_mas_set_range:
		mas_set_range(mas, s->a, s->b);
		break;
	case OP_mas_walk:
		cursor_answer(answer, mas, mas_walk(mas));
		break;
	case OP_mas_find:
		cursor_answer(answer, mas, mas_find(mas, s->a));
		break;
	case OP_mas_next:
		cursor_answer(answer, mas, mas_next(mas, s->a));
		break;
	case OP_mas_find_rev:
		cursor_answer(answer, mas, mas_find_rev(mas, s->a));
		break;
	case OP_mas_prev:
		cursor_answer(answer, mas, mas_prev(mas, s->a));
		break;
#if HAVE_mas_find_range
	case OP_mas_find_range:
		cursor_answer(answer, mas, mas_find_range(mas, s->a));
		break;
	case OP_mas_next_range:
		cursor_answer(answer, mas, mas_next_range(mas, s->a));
		break;
	case OP_mas_find_range_rev:
		cursor_answer(answer, mas, mas_find_range_rev(mas, s->a));
		break;
	case OP_mas_prev_range:
		cursor_answer(answer, mas, mas_prev_range(mas, s->a));
		break;
#endif
	case OP_mas_empty_area:
		answer->ret = mas_empty_area(mas, s->a, s->b, s->c);
		area_answer(answer, mas);
		break;
	case OP_mas_empty_area_rev:
		answer->ret = mas_empty_area_rev(mas, s->a, s->b, s->c);
		area_answer(answer, mas);
		break;
	case OP_mas_store_gfp:
		LOCKED(mas, answer->ret = mas_store_gfp(mas, entry_of(s->a), GFP_KERNEL));
		break;
	case OP_mas_store:
		LOCKED(mas, mas_store(mas, entry_of(s->a)));
		answer->ret = mas_is_err(mas) ? xa_err(mas->node) : 0;
		break;
	case OP_mas_preallocate:
		LOCKED(mas, answer->ret = PREALLOCATE(mas, entry_of(s->a), GFP_KERNEL));
		break;
	case OP_mas_store_prealloc:
		LOCKED(mas, mas_store_prealloc(mas, entry_of(s->a)));
		break;
	case OP_mas_expected_entries:
		LOCKED(mas, answer->ret = mas_expected_entries(mas, s->a));
		break;
	case OP_mas_nomem:
		LOCKED(mas, answer->ret = mas_nomem(mas, GFP_KERNEL));
		break;
	case OP_mas_destroy:
		LOCKED(mas, mas_destroy(mas));
		break;
	case OP_mas_erase:
		LOCKED(mas, entry = mas_erase(mas));
		cursor_answer(answer, mas, entry);
		break;
	case OP_mas_pause:
		mas_pause(mas);
		break;
	case OP_mas_reset:
		mas_reset(mas);
		break;
	default:
		answer->ret = -ENOSYS;
		answer->status = UINT32_MAX;
	}
}

void ops_run(const struct step *step, struct answer *answer)
{
	shim_alloc_step(step->fail_after);
	run(step, answer);
	shim_alloc_step(SHIM_NO_LIMIT);
	if (!rcu_by_hand && !readers)
		shim_rcu_run();
}
