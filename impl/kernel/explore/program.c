/*
 * What writer and reader do: their operations, by the names of the case format, and one run of each program.
 *
 * Entries are value entries, as in the server. The writer's cursor outlives a run, the reader's begins anew.
 */
#include <string.h>
#include <linux/xarray.h>
#include "explore.h"
#include "compat.h"

enum op {
	OP_STORE_RANGE, OP_INSERT_RANGE, OP_ERASE, OP_DESTROY, OP_DUP, OP_SET_IN_RCU, OP_CLEAR_IN_RCU, OP_FILL,
	OP_MAS_STORE_GFP, OP_MAS_STORE_PREALLOC, OP_MAS_ERASE, OP_LAST_WRITE = OP_MAS_ERASE,

	OP_WRITER_SET_RANGE, OP_PREALLOCATE,

	OP_LOAD, OP_FIND, OP_NEXT, OP_PREV, OP_MAS_SET, OP_MAS_PAUSE, OP_MAS_WALK, OP_MAS_FIND, OP_MAS_FIND_RANGE,
	OP_MAS_FIND_REV, OP_MAS_FIND_RANGE_REV, OP_MAS_NEXT, OP_MAS_NEXT_RANGE, OP_MAS_PREV, OP_MAS_PREV_RANGE,
	OP_MAS_FOR_EACH, OP_MAS_FOR_EACH_REV, OP_LOCK_VMA, OP_LOCK_NEXT_VMA, OPS
};

/* Names, and of what a reader does how it goes through the tree; `from_here`: what is at the cursor counts too. */
static const struct traits traits[OPS] = {
#if HAVE_mtree_dup
	[OP_DUP] = { "mtree_dup" },
#endif
#if HAVE_mt_set_in_rcu
	[OP_SET_IN_RCU] = { "mt_set_in_rcu" }, [OP_CLEAR_IN_RCU] = { "mt_clear_in_rcu" },
#endif
	[OP_STORE_RANGE] = { "mtree_store_range" }, [OP_INSERT_RANGE] = { "mtree_insert_range" },
	[OP_ERASE] = { "mtree_erase" }, [OP_DESTROY] = { "mtree_destroy" }, [OP_FILL] = { "fill" },
	[OP_MAS_STORE_GFP] = { "mas_store_gfp" }, [OP_MAS_STORE_PREALLOC] = { "mas_store_prealloc" },
	[OP_MAS_ERASE] = { "mas_erase" }, [OP_WRITER_SET_RANGE] = { "mas_set_range" },
	[OP_PREALLOCATE] = { "mas_preallocate" },

	[OP_LOAD] = { "mtree_load", LOADS },
	[OP_FIND] = { "mt_find", SEARCHES },
	[OP_NEXT] = { "mt_next", BESIDE },
	[OP_PREV] = { "mt_prev", BESIDE, .down = true },
	[OP_MAS_SET] = { "mas_set", PLACES },
	[OP_MAS_PAUSE] = { "mas_pause", MOVES },
	[OP_MAS_WALK] = { "mas_walk", WALKS },
	[OP_MAS_FIND] = { "mas_find", MOVES, .from_here = true },
	[OP_MAS_FIND_REV] = { "mas_find_rev", MOVES, .down = true, .from_here = true },
	[OP_MAS_NEXT] = { "mas_next", MOVES },
	[OP_MAS_PREV] = { "mas_prev", MOVES, .down = true },
#if HAVE_mas_find_range
	[OP_MAS_FIND_RANGE] = { "mas_find_range", MOVES, .ranges = true, .from_here = true },
	[OP_MAS_FIND_RANGE_REV] = { "mas_find_range_rev", MOVES, .down = true, .ranges = true, .from_here = true },
	[OP_MAS_NEXT_RANGE] = { "mas_next_range", MOVES, .ranges = true },
	[OP_MAS_PREV_RANGE] = { "mas_prev_range", MOVES, .down = true, .ranges = true },
#endif
	[OP_LOCK_VMA] = { "lock_vma_under_rcu", LOADS },
	[OP_LOCK_NEXT_VMA] = { "lock_next_vma", LOCKS },
	[OP_MAS_FOR_EACH] = { "mas_for_each", MOVES, .from_here = true },
	[OP_MAS_FOR_EACH_REV] = { "mas_for_each_rev", MOVES, .down = true, .from_here = true },
};

const struct traits *traits_of(int op) { return &traits[op]; }

struct program writer, reader;
struct read reads[ANSWERS];
unsigned int reads_done, reader_step, reader_began;

int op_named(const char *name)
{
	for (int op = 0; op < OPS; op++)
		if (traits[op].name && !strcmp(traits[op].name, name))
			return op;
	return -1;
}

bool is_write(int op) { return op <= OP_LAST_WRITE; }
bool is_setup(int op) { return op <= OP_PREALLOCATE; }
bool is_read(int op) { return op > OP_PREALLOCATE; }

static void *entry_of(uint64_t entry) { return entry ? xa_mk_value(entry) : NULL; }

static void fill(struct maple_tree *tree, const struct step *s)
{
	for (uint64_t i = 0; i < s->d; i++)
		mtree_store_range(tree, s->a + i * s->b, s->a + i * s->b + s->c - 1, entry_of(i + 1), GFP_KERNEL);
}

#define LOCKED(call) do {		\
	mas_lock(mas);			\
	call;				\
	mas_unlock(mas);		\
} while (0)

void write_step(const struct step *s)
{
	struct maple_tree *tree = tree_of(0);
	struct ma_state *mas = &writer_cursor;

	switch (s->op) {
	case OP_STORE_RANGE:
		mtree_store_range(tree, s->a, s->b, entry_of(s->c), GFP_KERNEL);
		break;
	case OP_INSERT_RANGE:
		mtree_insert_range(tree, s->a, s->b, entry_of(s->c), GFP_KERNEL);
		break;
	case OP_ERASE:
		mtree_erase(tree, s->a);
		break;
	case OP_DESTROY:
		mtree_destroy(tree);
		break;
#if HAVE_mtree_dup
	case OP_DUP:
		mtree_dup(tree, tree_of(1), GFP_KERNEL);
		break;
#endif
#if HAVE_mt_set_in_rcu
	case OP_SET_IN_RCU:
		mt_set_in_rcu(tree);
		break;
	case OP_CLEAR_IN_RCU:
		mt_clear_in_rcu(tree);
		break;
#endif
	case OP_FILL:
		fill(tree, s);
		break;
	case OP_WRITER_SET_RANGE:
		mas_set_range(mas, s->a, s->b);
		break;
	case OP_PREALLOCATE:
		LOCKED(PREALLOCATE(mas, entry_of(s->a), GFP_KERNEL));
		break;
	case OP_MAS_STORE_GFP:
		LOCKED(mas_store_gfp(mas, entry_of(s->a), GFP_KERNEL));
		break;
	case OP_MAS_STORE_PREALLOC:
		LOCKED(mas_store_prealloc(mas, entry_of(s->a)));
		break;
	case OP_MAS_ERASE:
		LOCKED(mas_erase(mas));
		break;
	}
}

void run_writer(void)
{
	for (unsigned int i = 0; i < writer.length; i++) {
		writes_begun = i + 1;
		write_step(&writer.steps[i]);
		writes_done = i + 1;
	}
}

static void answer(unsigned int step, void *entry, uint64_t index, uint64_t last, unsigned int status)
{
	if (reads_done == ANSWERS)
		failed(__builtin_return_address(0), NULL, "the reader's loop does not end");
	reads[reads_done++] = (struct read){ step, writes_begun, status, index, last, (unsigned long)entry };
}

static void locked(void *entry, uint64_t first, uint64_t last)
{
	answer(reader_step, entry, first, last, 0);
}

void run_reader(void)
{
	struct maple_tree *tree = tree_of(reader.tree);
	MA_STATE(mas, tree, 0, 0);
	void *entry = NULL;

	reads_done = 0;
	reader_began = writes_done;
	for (unsigned int i = 0; i < reader.length; i++) {
		const struct step *s = &reader.steps[i];
		unsigned long index = s->a;

		reader_step = i;
		switch (s->op) {
		case OP_LOAD:
			answer(i, mtree_load(tree, s->a), s->a, s->a, 0);
			continue;
		case OP_FIND:
			entry = mt_find(tree, &index, s->b);
			answer(i, entry, s->a, index - 1, 0);
			continue;
		case OP_NEXT:
			answer(i, mt_next(tree, s->a, s->b), s->a, s->b, 0);
			continue;
		case OP_PREV:
			answer(i, mt_prev(tree, s->a, s->b), s->a, s->b, 0);
			continue;
		case OP_LOCK_VMA:
			entry = lock_vma(&mas, s->a);
			if (entry)
				answer(i, entry, s->a, s->a, 0);
			continue;
		case OP_LOCK_NEXT_VMA:
			lock_next_vmas(&mas, s->a, locked);
			continue;
		case OP_MAS_SET:
			mas_set(&mas, s->a);
			continue;
		case OP_MAS_PAUSE:
			mas_pause(&mas);
			continue;
		case OP_MAS_WALK:
			entry = mas_walk(&mas);
			break;
		case OP_MAS_FIND:
			entry = mas_find(&mas, s->a);
			break;
		case OP_MAS_FIND_REV:
			entry = mas_find_rev(&mas, s->a);
			break;
		case OP_MAS_NEXT:
			entry = mas_next(&mas, s->a);
			break;
		case OP_MAS_PREV:
			entry = mas_prev(&mas, s->a);
			break;
		case OP_MAS_FOR_EACH:
			while ((entry = mas_find(&mas, s->a)))
				answer(i, entry, mas.index, mas.last, cursor_status(&mas));
			break;
		case OP_MAS_FOR_EACH_REV:
			while ((entry = mas_find_rev(&mas, s->a)))
				answer(i, entry, mas.index, mas.last, cursor_status(&mas));
			break;
#if HAVE_mas_find_range
		case OP_MAS_FIND_RANGE:
			entry = mas_find_range(&mas, s->a);
			break;
		case OP_MAS_FIND_RANGE_REV:
			entry = mas_find_range_rev(&mas, s->a);
			break;
		case OP_MAS_NEXT_RANGE:
			entry = mas_next_range(&mas, s->a);
			break;
		case OP_MAS_PREV_RANGE:
			entry = mas_prev_range(&mas, s->a);
			break;
#endif
		}
		answer(i, entry, mas.index, mas.last, cursor_status(&mas));
	}
}
