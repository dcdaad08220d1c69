/*
 * One step of a case as one call of the kernel's API: the ops of the case format, and those that only this port
 * has. Trees and cursors are numbered; each is there, empty, when it is first named.
 *
 * Entries are value entries (xa_mk_value()) or, by their number, pointers aligned to 4 bytes, so none is ever taken for a
 * node, an error or a reserved entry; wire.py tells which is which.
 * Writes through a cursor hold the tree's lock, as the advanced API asks for: its own spinlock, or the outside lock of
 * a tree made with MT_FLAGS_LOCK_EXTERN, which may sleep. Reads are in an RCU section.
 */
#include <stdlib.h>
#include <time.h>
#include <linux/maple_tree.h>
#include <linux/xarray.h>
#include "shim.h"
#include "step.h"
#include "compat.h"
#include "outside.h"

#define MAX_TREES	65536
#define MAX_CURSORS	256

#define LOCKED(tree, call) do {		\
	ops_lock(tree);			\
	call;				\
	ops_unlock(tree);		\
} while (0)

/* A write of the normal API: its own, or that for a tree with an outside lock. */
#define WRITE(tree, name)	(mt_external_lock(tree) ? outside_##name : mtree_##name)

#define READ(call) do {			\
	rcu_read_lock();		\
	call;				\
	rcu_read_unlock();		\
} while (0)

static struct maple_tree *trees[MAX_TREES];
static struct ma_state cursors[MAX_CURSORS];
static unsigned int tree_flags, trees_named, cursors_named;
static struct shim_counts last_counts;	/* of the last step that was no OP_nodes */
static bool rcu_by_hand;
static unsigned int readers;
static bool may_hold[MAX_CURSORS];	/* cursors that hold nodes by right, until they are destroyed or store */
static struct { struct lockdep_map dep_map; } outside_lock;

/* The lock under which a tree is written. */
void ops_lock(struct maple_tree *tree)
{
	if (mt_external_lock(tree))
		outside_lock.dep_map.held++;
	else
		mtree_lock(tree);
}

void ops_unlock(struct maple_tree *tree)
{
	if (mt_external_lock(tree))
		outside_lock.dep_map.held--;
	else
		mtree_unlock(tree);
}

static void tree_start(struct maple_tree *tree, unsigned int flags)
{
	mt_init_flags(tree, flags);
	if (mt_external_lock(tree))
		mt_set_external_lock(tree, &outside_lock);
}

static struct maple_tree *tree_of(unsigned int number)
{
	struct maple_tree *tree = trees[number];

	if (likely(tree && number < trees_named))
		return tree;
	while (trees_named <= number) {
		if (!trees[trees_named])
			trees[trees_named] = malloc(sizeof(*tree));
		tree_start(trees[trees_named++], tree_flags);
	}
	return trees[number];
}

static struct ma_state *cursor_of(unsigned int number)
{
	while (cursors_named <= number)
		mas_init(&cursors[cursors_named++], tree_of(0), 0);
	return &cursors[number];
}

static void destroy_tree(struct maple_tree *tree)
{
	LOCKED(tree, __mt_destroy(tree));
}

/* A cursor that was refused something holds nothing any more: what it keeps all the same has leaked. */
static void give_back(void)
{
	for (unsigned int i = 0; i < cursors_named; i++) {
		if (may_hold[i])
			LOCKED(cursors[i].tree, mas_destroy(&cursors[i]));
		may_hold[i] = false;
	}
}

/*
 * The nodes of cursors that hold some by right and those of trees are given back, then tree 0, the cursors and the
 * counts of events start anew. What else is still allocated has leaked.
 */
void ops_reset(unsigned int flags)
{
	shim_alloc_step(SHIM_FAIL_NEVER, 0);
	give_back();
	for (unsigned int i = 0; i < trees_named; i++)
		destroy_tree(trees[i]);
	shim_rcu_run();
	tree_flags = flags;
	trees_named = cursors_named = readers = 0;
	tree_of(0);
	cursor_of(0);
	events_clear();
}

static void *entry_of(uint64_t entry)
{
	if (entry & 4 && entry < ENTRY_POINTERS)
		return (void *)((unsigned long)(entry + ENTRY_BASE) << 3 | (entry & 1) << 2);
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

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/*
 * What the caller asks with. Where it holds a spinlock all the while it must not sleep, and dips into reserves where it
 * would like to: a request that is not refused for not sleeping.
 */
static gfp_t gfp_of(const struct step *step, bool atomic)
{
	switch (step->fail >> STEP_GFP_SHIFT & 3) {
	case STEP_GFP_NOWAIT:
		return GFP_NOWAIT;
	case STEP_GFP_NOFAIL:
		return (atomic ? GFP_ATOMIC : GFP_KERNEL) | __GFP_NOFAIL;
	default:
		return atomic ? GFP_ATOMIC : GFP_KERNEL;
	}
}

#if HAVE_mtree_dup
static int dup(struct maple_tree *from, const struct step *step, bool by_hand)
{
	unsigned int flags = from->ma_flags & ~MT_FLAGS_HEIGHT_MASK;
	struct maple_tree *to = tree_of(step->a);
	int ret;

	if (to != from) {
		destroy_tree(to);
		tree_start(to, flags);
	}
	if (!by_hand && !mt_external_lock(from))
		return mtree_dup(from, to, gfp_of(step, true));
	ops_lock(to);
	if (to != from)
		ops_lock(from);
	ret = __mt_dup(from, to, gfp_of(step, !mt_external_lock(from)));
	if (to != from)
		ops_unlock(from);
	ops_unlock(to);
	return ret;
}
#endif

#if HAVE_mtree_alloc_cyclic
static int alloc_cyclic(struct maple_tree *tree, unsigned long *start, void *entry, unsigned long min,
			unsigned long max, unsigned long *next, gfp_t gfp)
{
	MA_STATE(mas, tree, 0, 0);
	int ret;

	if (!mt_external_lock(tree))
		return mtree_alloc_cyclic(tree, start, entry, min, max, next, gfp);
	if (!(tree->ma_flags & MT_FLAGS_ALLOC_RANGE))
		return -EINVAL;
	ops_lock(tree);
	ret = mas_alloc_cyclic(&mas, start, entry, min, max, next, gfp);
	mas_destroy(&mas);
	ops_unlock(tree);
	return ret;
}
#endif

#if HAVE_mt_set_in_rcu
/* These take a tree's own lock by themselves, and want an outside one to be held. */
static void set_in_rcu(struct maple_tree *tree, bool on)
{
	if (mt_external_lock(tree))
		ops_lock(tree);
	if (on)
		mt_set_in_rcu(tree);
	else
		mt_clear_in_rcu(tree);
	if (mt_external_lock(tree))
		ops_unlock(tree);
}
#endif

/* All entries that a loop over the cursor meets, each as its range and itself. */
static void entry_met(struct answer *answer, const struct ma_state *mas, void *entry)
{
	reply_word(mas->index);
	reply_word(mas->last);
	reply_word((unsigned long)entry);
	answer->status += 3;
}

static void run(const struct step *s, struct answer *answer)
{
	struct ma_state *mas = cursor_of(s->cursor);
	struct maple_tree *mt = tree_of(s->tree);
	unsigned long index, next;
	gfp_t gfp = gfp_of(s, false);
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
	case OP_give_back:
		give_back();
		break;
	case OP_nodes:
		answer->ret = last_counts.asked;
		answer->entry = last_counts.allocated;
		answer->index = last_counts.freed;
		answer->last = last_counts.retired;
		break;
	case OP_in_rcu:
		answer->ret = mt_in_rcu(mt);
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
		answer->ret = WRITE(mt, store_range)(mt, s->a, s->b, entry_of(s->c), gfp);
		break;
	case OP_mtree_insert_range:
		answer->ret = WRITE(mt, insert_range)(mt, s->a, s->b, entry_of(s->c), gfp);
		break;
	case OP_mtree_erase:
		answer->entry = (unsigned long)WRITE(mt, erase)(mt, s->a);
		/* it does not say that there was no memory to erase: what is there now does */
		if (s->fail != STEP_NO_FAILURE && answer->entry && mtree_load(mt, s->a))
			answer->ret = -ENOMEM;
		break;
	case OP_mtree_alloc_range:
		answer->ret = WRITE(mt, alloc_range)(mt, &index, entry_of(s->a), s->b, s->c, s->d, gfp);
		if (!answer->ret)
			answer->index = index;
		break;
	case OP_mtree_alloc_rrange:
		answer->ret = WRITE(mt, alloc_rrange)(mt, &index, entry_of(s->a), s->b, s->c, s->d, gfp);
		if (!answer->ret)
			answer->index = index;
		break;
#if HAVE_mtree_alloc_cyclic
	case OP_mtree_alloc_cyclic:
		next = s->d;
		answer->ret = alloc_cyclic(mt, &index, entry_of(s->a), s->b, s->c, &next, gfp);
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
	case OP___mt_dup:
		answer->ret = dup(mt, s, s->op == OP___mt_dup);
		break;
#endif
	case OP_mtree_destroy:
		if (mt_external_lock(mt))
			destroy_tree(mt);
		else
			mtree_destroy(mt);
		break;
	case OP_mt_set_external_lock:
		mt->ma_flags |= MT_FLAGS_LOCK_EXTERN;
		mt_set_external_lock(mt, &outside_lock);
		break;
	case OP___mt_destroy:
		destroy_tree(mt);
		break;
#if HAVE_mt_set_in_rcu
	case OP_mt_set_in_rcu:
		set_in_rcu(mt, true);
		break;
	case OP_mt_clear_in_rcu:
		set_in_rcu(mt, false);
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
#if HAVE___mas_set_range
	case OP___mas_set_range:
		__mas_set_range(mas, s->a, s->b);
		break;
#endif
	case OP_mas_walk:
		READ(entry = mas_walk(mas));
		cursor_answer(answer, mas, entry);
		break;
	case OP_mas_find:
		READ(entry = mas_find(mas, s->a));
		cursor_answer(answer, mas, entry);
		break;
	case OP_mas_next:
		READ(entry = mas_next(mas, s->a));
		cursor_answer(answer, mas, entry);
		break;
	case OP_mas_find_rev:
		READ(entry = mas_find_rev(mas, s->a));
		cursor_answer(answer, mas, entry);
		break;
	case OP_mas_prev:
		READ(entry = mas_prev(mas, s->a));
		cursor_answer(answer, mas, entry);
		break;
#if HAVE_mas_find_range
	case OP_mas_find_range:
		READ(entry = mas_find_range(mas, s->a));
		cursor_answer(answer, mas, entry);
		break;
	case OP_mas_next_range:
		READ(entry = mas_next_range(mas, s->a));
		cursor_answer(answer, mas, entry);
		break;
	case OP_mas_find_range_rev:
		READ(entry = mas_find_range_rev(mas, s->a));
		cursor_answer(answer, mas, entry);
		break;
	case OP_mas_prev_range:
		READ(entry = mas_prev_range(mas, s->a));
		cursor_answer(answer, mas, entry);
		break;
#endif
	case OP_mas_empty_area:
		LOCKED(mas->tree, answer->ret = mas_empty_area(mas, s->a, s->b, s->c));
		area_answer(answer, mas);
		break;
	case OP_mas_empty_area_rev:
		LOCKED(mas->tree, answer->ret = mas_empty_area_rev(mas, s->a, s->b, s->c));
		area_answer(answer, mas);
		break;
	case OP_mas_store_gfp:
		LOCKED(mas->tree, answer->ret = mas_store_gfp(mas, entry_of(s->a), gfp));
		break;
	case OP_mas_store:
		LOCKED(mas->tree, mas_store(mas, entry_of(s->a)));
		answer->ret = mas_is_err(mas) ? xa_err(mas->node) : 0;
		may_hold[s->cursor] |= mas_is_err(mas);
		break;
	case OP_mas_preallocate:
		LOCKED(mas->tree, answer->ret = PREALLOCATE(mas, entry_of(s->a), gfp_of(s, !mt_external_lock(mas->tree))));
		may_hold[s->cursor] = !answer->ret;
		break;
	case OP_mas_store_prealloc:
		LOCKED(mas->tree, mas_store_prealloc(mas, entry_of(s->a)));
		may_hold[s->cursor] = false;
		break;
#if HAVE_mas_expected_entries
	case OP_mas_expected_entries:
		answer->ret = mas_expected_entries(mas, s->a);
		may_hold[s->cursor] = !answer->ret;
		break;
#endif
	case OP_mas_nomem:
		LOCKED(mas->tree, answer->ret = mas_nomem(mas, gfp));
		may_hold[s->cursor] = true;
		break;
#if HAVE_mas_nomem_nofail
	case OP_mas_nomem_nofail:
		LOCKED(mas->tree, answer->ret = mas_nomem_nofail(mas, s->a, s->b));
		may_hold[s->cursor] = true;
		break;
#endif
	case OP_mas_destroy:
		LOCKED(mas->tree, mas_destroy(mas));
		may_hold[s->cursor] = false;
		break;
#if HAVE_mas_alloc_cyclic
	case OP_mas_alloc_cyclic:
		next = s->d;
		LOCKED(mas->tree, answer->ret = mas_alloc_cyclic(mas, &index, entry_of(s->a), s->b, s->c, &next, gfp));
		if (answer->ret >= 0) {
			answer->index = index;
			answer->last = next;
		}
		break;
#endif
	case OP_mas_for_each:
		rcu_read_lock();
		mas_for_each(mas, entry, s->a)
			entry_met(answer, mas, entry);
		rcu_read_unlock();
		break;
#ifdef mas_for_each_rev
	case OP_mas_for_each_rev:
		rcu_read_lock();
		mas_for_each_rev(mas, entry, s->a)
			entry_met(answer, mas, entry);
		rcu_read_unlock();
		break;
#endif
	case OP_mas_erase:
		LOCKED(mas->tree, entry = mas_erase(mas));
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
	bool own = step->op != OP_nodes;

	shim_alloc_step(step->fail >> STEP_PLAN_SHIFT, step->fail & STEP_NUMBER);
	run(step, answer);
	if (own)
		last_counts = *shim_alloc_counts();
	shim_alloc_step(SHIM_FAIL_NEVER, 0);
	if (!rcu_by_hand && !readers)
		shim_rcu_run();
}
