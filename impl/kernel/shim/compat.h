/*
 * What differs between kernel versions in the API that ops.c calls. The HAVE_ macros come from build.py, which
 * looks for each definition in the tree's own lib/maple_tree.c and include/linux/maple_tree.h.
 */
#ifndef MAPLEPROOF_COMPAT_H
#define MAPLEPROOF_COMPAT_H

#include <linux/maple_tree.h>

/* The case format's names of a cursor's status, in wire.py's order (that of enum maple_status in 6.8 and later). */
enum cursor_status { CURSOR_ACTIVE, CURSOR_START, CURSOR_ROOT, CURSOR_NONE, CURSOR_PAUSE, CURSOR_OVERFLOW,
		     CURSOR_UNDERFLOW, CURSOR_ERROR };

static inline unsigned int cursor_status(const struct ma_state *mas)
{
#if HAVE_maple_status
	return mas->status;
#else
	/* up to 6.7 the status is a special value of mas->node */
	if (mas->node == MAS_START)
		return CURSOR_START;
	if (mas->node == MAS_ROOT)
		return CURSOR_ROOT;
	if (mas->node == MAS_NONE)
		return CURSOR_NONE;
	if (mas->node == MAS_PAUSE)
		return CURSOR_PAUSE;
#ifdef MAS_OVERFLOW
	if (mas->node == MAS_OVERFLOW)
		return CURSOR_OVERFLOW;
	if (mas->node == MAS_UNDERFLOW)
		return CURSOR_UNDERFLOW;
#endif
	return mas_is_err((struct ma_state *)mas) ? CURSOR_ERROR : CURSOR_ACTIVE;
#endif
}

#if !HAVE_mas_init
static inline void mas_init(struct ma_state *mas, struct maple_tree *tree, unsigned long index)
{
	MA_STATE(fresh, tree, index, index);

	*mas = fresh;
}
#endif

#if HAVE_preallocate_entry
#define PREALLOCATE(mas, entry, gfp)	mas_preallocate(mas, entry, gfp)
#else
#define PREALLOCATE(mas, entry, gfp)	mas_preallocate(mas, gfp)
#endif

#endif
