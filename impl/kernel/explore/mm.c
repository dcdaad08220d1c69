/*
 * How mm itself looks VMAs up without the mmap lock: lookup, lock of the VMA, another look at it, next. An entry
 * stands for a VMA whose own range is the one that the tree is to hold for it.
 *
 * The writer holds the mmap lock for all of its program, and locks each VMA that it changes before the first change
 * until its end. A reader that finds a VMA locked takes the mmap lock instead, and so does one that finds that the
 * VMA is not the one it wants: it falls back, which is right at any time.
 *
 * Follows lock_vma_under_rcu() and lock_next_vma() of 7.3. Not covered: reference counts, reuse of a VMA's memory.
 */
#include "explore.h"

enum lookup { LOCKED_IT, NONE_THERE, FALLS_BACK };

/* Whether a VMA can be locked for reading, and what its range is then. */
static bool lock_for_reading(void *entry, uint64_t *first, uint64_t *last)
{
	uint64_t other_first, other_last;
	unsigned int done = writes_done;

	if (!content_of(done, (unsigned long)entry, first, last))
		return false;	/* detached */
	if (done == writer.length)
		return true;
	for (unsigned int state = 0; state <= writes_begun; state++)
		if (!content_of(state, (unsigned long)entry, &other_first, &other_last) || other_first != *first ||
		    other_last != *last)
			return false;
	return true;
}

void *lock_vma(struct ma_state *mas, uint64_t index)
{
	uint64_t first, last;
	void *entry;

	mas_set(mas, index);
	entry = mas_walk(mas);
	if (!entry || !lock_for_reading(entry, &first, &last))
		return NULL;
	return index < first || index > last ? NULL : entry;
}

static enum lookup lock_next(struct ma_state *mas, uint64_t from, void **found, uint64_t *first, uint64_t *last)
{
	void *entry = mas_find(mas, ULONG_MAX);

	if (!entry)
		return NONE_THERE;
	if (!lock_for_reading(entry, first, last) || from > *last)
		return FALLS_BACK;
	if (from < *first) {
		/* was there another before it, when it was not locked yet? */
		mas_set(mas, from);
		if (mas_find(mas, ULONG_MAX) != entry)
			return FALLS_BACK;
	}
	*found = entry;
	return LOCKED_IT;
}

void lock_next_vmas(struct ma_state *mas, uint64_t from, void (*tell)(void *, uint64_t, uint64_t))
{
	uint64_t first, last;
	void *entry;

	mas_set(mas, from);
	for (;;) {
		enum lookup how = lock_next(mas, from, &entry, &first, &last);

		if (how == NONE_THERE)
			tell(NULL, from, ULONG_MAX);
		if (how != LOCKED_IT)
			return;
		tell(entry, first, last);
		if (last == ULONG_MAX)
			return;
		from = last + 1;
	}
}
