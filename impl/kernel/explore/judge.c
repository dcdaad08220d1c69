/*
 * What is right: a reader's answers held against the contents that the reference says, one for the state before the
 * first write and one after each. A reader may see any state from the last write that was done when it came in to the
 * last that was begun when it answered.
 *
 * Hard: for each index that an answer speaks of, the entry is the one of some such state; a range holds the index
 * that was asked for; an iteration goes strictly on; no index is passed over that held one and the same entry in all
 * such states; nothing lies past a limit. Strict: besides, each range is one of some such state, ranges do not
 * overlap, and no index is passed over that was never empty.
 *
 * All states are told as one row of elementary intervals, in each of which no state changes its entry.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/xarray.h>
#include "explore.h"

#define STATES		(STEPS + 1)
#define RANGES		65536

struct range { uint64_t first, last, entry; };

char strict_failure[192];
int failed_read;

static struct range *contents[STATES];
static unsigned int lengths[STATES], rooms[STATES], states;
static uint64_t *starts, *held[STATES];
static unsigned int intervals, room;

void contents_clear(void)
{
	memset(lengths, 0, sizeof(lengths));
	states = 0;
}

static void *grown(void *old, size_t bytes)
{
	void *new = realloc(old, bytes);

	if (!new)
		exit(3);
	return new;
}

/* Begin the next state; false where it is another. */
bool content_begin(unsigned int state)
{
	if (state >= STATES || state != states)
		return false;
	states++;
	return true;
}

/* One range of the state that was begun last, in order; false where it is out of order or one too many. */
bool content_add(uint64_t first, uint64_t last, uint64_t entry)
{
	unsigned int state = states - 1, n = lengths[state];
	uint64_t next = 0;

	if (n)
		next = contents[state][n - 1].last + 1;
	if (first > last || (n && !next) || first < next || n + 2 >= RANGES)
		return false;
	if (n + 2 >= rooms[state])
		contents[state] = grown(contents[state], (rooms[state] = 2 * rooms[state] + 64) * sizeof(struct range));
	if (first > next)
		contents[state][n++] = (struct range){ next, first - 1, 0 };
	contents[state][n++] = (struct range){ first, last, (unsigned long)xa_mk_value(entry) };
	lengths[state] = n;
	return true;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The last range of each state, and all states as one row. False unless there is one for each write. */
bool contents_prepare(void)
{
	unsigned int n = 0;

	if (states != writer.length + 1)
		return false;
	for (unsigned int t = 0; t < states; t++) {
		unsigned int length = lengths[t];
		uint64_t next = length ? contents[t][length - 1].last + 1 : 0;

		if (!rooms[t])
			contents[t] = grown(NULL, (rooms[t] = 64) * sizeof(struct range));
		if (!length || next)
			contents[t][lengths[t]++] = (struct range){ next, UINT64_MAX, 0 };
		n += lengths[t];
	}
	if (n > room) {
		room = 2 * n;
		starts = grown(starts, room * sizeof(*starts));
		for (unsigned int t = 0; t < STATES; t++)
			held[t] = grown(held[t], room * sizeof(**held));
	}
	intervals = 0;
	for (unsigned int t = 0; t < states; t++)
		for (unsigned int i = 0; i < lengths[t]; i++)
			starts[intervals++] = contents[t][i].first;
	qsort(starts, intervals, sizeof(*starts), by_number);
	n = 0;
	for (unsigned int i = 0; i < intervals; i++)
		if (!i || starts[i] != starts[i - 1])
			starts[n++] = starts[i];
	intervals = n;
	for (unsigned int t = 0; t < states; t++)
		for (unsigned int i = 0, j = 0; i < intervals; i++) {
			while (contents[t][j].last < starts[i])
				j++;
			held[t][i] = contents[t][j].entry;
		}
	return true;
}

bool contents_agree(unsigned int state)
{
	MA_STATE(mas, tree_of(reader.tree), 0, 0);
	unsigned int i = 0;
	void *entry;

	mas_for_each(&mas, entry, ULONG_MAX) {
		while (i < lengths[state] && !contents[state][i].entry)
			i++;
		if (i == lengths[state] || contents[state][i].first != mas.index || contents[state][i].last != mas.last ||
		    contents[state][i].entry != (unsigned long)entry)
			return false;
		i++;
		if (mas.last == ULONG_MAX)
			break;
	}
	while (i < lengths[state] && !contents[state][i].entry)
		i++;
	return i == lengths[state];
}

/* The range of an entry in a state; the first, should it have several. */
bool content_of(unsigned int state, uint64_t entry, uint64_t *first, uint64_t *last)
{
	for (unsigned int i = 0; i < lengths[state]; i++)
		if (contents[state][i].entry == entry) {
			*first = contents[state][i].first;
			*last = contents[state][i].last;
			return true;
		}
	return false;
}

/* ---- one answer ---- */

static unsigned int low, high;	/* the states that may be seen */

static unsigned int interval_of(uint64_t index)
{
	unsigned int a = 0, b = intervals;

	while (b - a > 1) {
		unsigned int middle = (a + b) / 2;

		if (starts[middle] <= index)
			a = middle;
		else
			b = middle;
	}
	return a;
}

static bool may_hold(unsigned int i, uint64_t entry)
{
	for (unsigned int t = low; t <= high; t++)
		if (held[t][i] == entry)
			return true;
	return false;
}

static bool always_the_same(unsigned int i)
{
	for (unsigned int t = low + 1; t <= high; t++)
		if (held[t][i] != held[low][i])
			return false;
	return held[low][i];
}

static bool never_empty(unsigned int i)
{
	for (unsigned int t = low; t <= high; t++)
		if (!held[t][i])
			return false;
	return true;
}

static bool was_a_range(uint64_t first, uint64_t last, uint64_t entry)
{
	for (unsigned int t = low; t <= high; t++) {
		unsigned int a = 0, b = lengths[t];

		while (b - a > 1) {
			unsigned int middle = (a + b) / 2;

			if (contents[t][middle].first <= first)
				a = middle;
			else
				b = middle;
		}
		if (contents[t][a].first == first && contents[t][a].last == last && contents[t][a].entry == entry)
			return true;
	}
	return false;
}

static bool hard(const char *what)
{
	if (!failure[0])
		snprintf(failure, sizeof(failure), "%s", what);
	return false;
}

static void strict(const char *what)
{
	if (!strict_failure[0])
		snprintf(strict_failure, sizeof(strict_failure), "%s", what);
}

static const char *what_it_is(uint64_t entry, const char *otherwise)
{
	uint64_t poison;

	memset(&poison, POISON, sizeof(poison));
	if (entry == poison)
		return "what a freed node holds is returned as an entry";
	return entry && !xa_is_value((void *)entry) ? "a node's pointer is returned as an entry" : otherwise;
}

static bool right_entry(uint64_t first, uint64_t last, uint64_t entry)
{
	for (unsigned int i = interval_of(first); i < intervals && starts[i] <= last; i++)
		if (!may_hold(i, entry))
			return hard(what_it_is(entry, "an entry that the index never had"));
	if (!was_a_range(first, last, entry))
		strict("a range that the tree never had");
	return true;
}

/* Nothing was found from first to last. */
static bool right_gap(uint64_t first, uint64_t last)
{
	if (first > last)
		return true;
	for (unsigned int i = interval_of(first); i < intervals && starts[i] <= last; i++) {
		if (always_the_same(i))
			return hard("an entry that was always there is skipped");
		if (never_empty(i))
			strict("an index that never was empty is skipped");
	}
	return true;
}

static bool judge_mt_find(const struct step *s, const struct read *r)
{
	unsigned int i;
	uint64_t first;

	if (!r->entry)
		return right_gap(s->a, s->b);
	if (r->last < s->a)
		return hard("the next search would not go on");
	i = interval_of(r->last);
	if (!may_hold(i, r->entry))
		return right_entry(r->last, r->last, r->entry);
	while (i && starts[i] > s->a && may_hold(i - 1, r->entry))
		i--;
	first = starts[i] < s->a ? s->a : starts[i];
	return first == s->a || right_gap(s->a, first - 1);
}

/* The first entry beside an index, from here on: is it one that may be found? What always was there cannot be passed
 * over. */
static bool may_be_next(uint64_t from, uint64_t limit, uint64_t entry, bool up)
{
	int i = interval_of(from);

	if (up ? from > limit : from < limit)
		return !entry;
	for (;; i += up ? 1 : -1) {
		if (i == (int)intervals || (up && starts[i] > limit && starts[i] > from))
			return !entry;
		if (entry && may_hold(i, entry))
			return true;
		if (always_the_same(i))
			return false;
		if (!up && starts[i] <= limit)
			return !entry;
	}
}

/* mt_next() and mt_prev() look beside the range that the index is in, which may be that of any state; and what has
 * come up to the index since then is beside it too. */
static bool judge_neighbour(const struct step *s, const struct read *r, bool up)
{
	for (unsigned int t = low; t <= high; t++) {
		unsigned int at = 0;

		while (contents[t][at].last < s->a)
			at++;
		if (up ? contents[t][at].last == UINT64_MAX : !contents[t][at].first) {
			if (!r->entry)
				return true;
		} else if (may_be_next(up ? contents[t][at].last + 1 : contents[t][at].first - 1, s->b, r->entry, up)) {
			return true;
		}
	}
	if (r->entry && (up ? s->a < UINT64_MAX : s->a) && may_be_next(up ? s->a + 1 : s->a - 1, s->b, r->entry, up))
		return true;
	return hard(what_it_is(r->entry, "a neighbour that is none in any state"));
}

/* ---- a cursor's way through the tree ---- */

static struct { bool placed, lost; uint64_t at, first, last; } place;

static bool moved(const struct read *r, uint64_t limit, bool up, bool from_here, bool ranges)
{
	bool stays = place.placed && r->index == place.first && r->last == place.last;
	bool found = r->entry || (ranges && r->status == 0 && !stays);	/* at its limit it stays where it is */
	uint64_t from;

	if (place.lost) {
		if (found)
			return right_entry(r->index, r->last, r->entry);
		return true;
	}
	if (!place.placed && !from_here) {	/* beside a range that nobody told */
		place.lost = true;
		return !found || right_entry(r->index, r->last, r->entry);
	}
	if (place.placed && (up ? place.last == UINT64_MAX : place.first == 0)) {
		place.lost = true;
		return !found || hard("the iteration does not go on");
	}
	from = !place.placed ? place.at : up ? place.last + 1 : place.first - 1;
	if (!found) {
		place.lost = true;
		return up ? right_gap(from, limit) : right_gap(limit, from);
	}
	if (r->index > r->last)
		return hard("a range that ends before it begins");
	if (!right_entry(r->index, r->last, r->entry))
		return false;
	if (up ? r->index > limit && r->index > from : r->last < limit && r->last < from)
		return hard("what was found lies past the limit");
	if (place.placed ? (up ? r->index <= place.first || r->last <= place.last :
				 r->index >= place.first || r->last >= place.last) :
			   (up ? r->last < from : r->index > from))
		return hard("the iteration does not go on");
	if (place.placed && (up ? r->index <= place.last : r->last >= place.first))
		strict("ranges overlap");
	if (up ? r->index > from && !right_gap(from, r->index - 1) : r->last < from && !right_gap(r->last + 1, from))
		return false;
	if (ranges && (up ? r->index > from : r->last < from))
		strict("a hole between neighbouring ranges");
	place.placed = true;
	place.first = r->index;
	place.last = r->last;
	return true;
}

/* One VMA after the other, each as it is while it is locked; none in the end. Where the loop falls back it tells
 * nothing. */
static bool judge_locked(const struct step *s, const struct read *r)
{
	uint64_t from = place.placed ? place.last + 1 : s->a;

	if (!r->entry)
		return right_gap(from, UINT64_MAX);
	if (r->last < from)
		return hard("the iteration does not go on");
	place.placed = true;
	place.last = r->last;
	return right_entry(r->index, r->last, r->entry) && (r->index <= from || right_gap(from, r->index - 1));
}

static bool judge_read(const struct step *s, const struct read *r)
{
	const struct traits *traits = traits_of(s->op);

	switch (traits->way) {
	case LOADS:
		return right_entry(s->a, s->a, r->entry);
	case SEARCHES:
		return judge_mt_find(s, r);
	case BESIDE:
		return judge_neighbour(s, r, !traits->down);
	case WALKS:
		place.lost = r->status != 0;
		if (r->index > place.at || r->last < place.at)
			return hard("the range does not hold the index");
		place.placed = true;
		place.first = r->index;
		place.last = r->last;
		return right_entry(r->index, r->last, r->entry);
	case LOCKS:
		return judge_locked(s, r);
	default:
		return moved(r, s->a, !traits->down, traits->from_here, traits->ranges);
	}
}

void judge(void)
{
	unsigned int step = 0;

	strict_failure[0] = 0;
	memset(&place, 0, sizeof(place));
	low = reader_began;
	for (unsigned int i = 0; i < reads_done; i++) {
		const struct read *r = &reads[i];

		for (; step <= r->step; step++)
			if (traits_of(reader.steps[step].op)->way == PLACES) {
				memset(&place, 0, sizeof(place));
				place.at = reader.steps[step].a;
			}
		high = r->until;
		failed_read = i;
		if (!judge_read(&reader.steps[r->step], r))
			return;
	}
	failed_read = -1;
}
