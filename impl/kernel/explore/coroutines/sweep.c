/*
 * Many interleavings of one scenario, by a policy, and what was met in them.
 *
 * The answer is one line of JSON. `complete` says that all interleavings of the policy were run, none left out.
 */
#include <stdio.h>
#include <string.h>
#include "coroutines.h"

#define HELD		4096	/* stores of a writer that are held back one by one */

static uint64_t runs, stores, accesses, writer_accesses;
static bool failed_hard;

/* ---- one interleaving ---- */

static void look(bool strict)
{
	struct how how = { policy_names[choice.policy], choice.stores, choice.access, choice.seed };

	if (held_until && choice.policy == HELD_BACK)
		how.access = held_until + 1;
	found_failure(strict, how);
}

/* Whether it was run at all: one that is another's twin is not counted. */
static bool run(bool strict)
{
	bool ended;

	world_restore();
	strict_failure[0] = 0;
	memset(failure_stack, 0, sizeof(failure_stack));
	reads_done = reader_step = 0;
	failed_read = -1;
	ended = threads_run(policy_begin());
	if (!ended && !failure[0])
		return false;
	runs++;
	if (ended) {
		judge();
		if (!failure[0])
			guarded(finish);
	}
	if (failure[0]) {
		failed_hard = true;
		look(false);
	} else if (strict && strict_failure[0]) {
		look(true);
	}
	return true;
}

/* ---- how long ---- */

/* How long each is, alone and after the other. */
static void measure(enum policy policy)
{
	choice = (struct choice){ .policy = policy, .access = UINT64_MAX - 1 };
	most_accesses[WRITER] = most_accesses[READER] = 10000000;
	run(false);
	if (threads[WRITER].stores > stores)
		stores = threads[WRITER].stores;
	if (threads[WRITER].accesses > writer_accesses)
		writer_accesses = threads[WRITER].accesses;
	if (threads[READER].accesses > accesses)
		accesses = threads[READER].accesses;
}

/* Whether all can be explored: the writer alone does what it must, and reader and writer one after the other do. */
static bool sweep_ready(void)
{
	found_clear();
	races_found = 0;
	runs = stores = accesses = writer_accesses = 0;
	failed_hard = false;
	world_restore();
	failed_read = -1;
	reads_done = 0;
	memset(failure_stack, 0, sizeof(failure_stack));
	if (!alone_agrees()) {
		runs++;
		look(false);
		return false;
	}
	measure(IN_ORDER);
	measure(AT_ACCESS);
	most_accesses[WRITER] = 4 * writer_accesses + 3000;
	most_accesses[READER] = 4 * accesses + 1500;
	return !failed_hard;
}

/* ---- policies ---- */

static bool tell_strict, end_early;

static bool go(enum policy policy, uint64_t store, uint64_t access, uint64_t seed)
{
	choice = (struct choice){ policy, store, access, seed };
	run(tell_strict);
	return !(end_early && failed_hard);
}

static bool single(void)
{
	uint64_t most = accesses;

	for (uint64_t k = 0; k <= stores; k++)
		if (!go(WITHIN, k, 0, 0))
			return false;
	for (uint64_t k = 1; k <= most; k++)
		if (!go(AT_ACCESS, 0, k, 0))
			return false;
	return true;
}

static bool pairs(uint64_t most)
{
	uint64_t all = (stores + 1) * (accesses + 1), stride = all > most ? all / most + 1 : 1, width = accesses + 1;

	for (uint64_t x = 0; x < all; x += stride)
		if (!go(BOTH_WRITER, x / width, x % width, 0) || !go(BOTH_READER, x / width, x % width, 0))
			return false;
	return stride == 1;
}

/* First each store up to the barrier that makes it be seen, then past each of the stores up to there; the second in
 * another order for another seed, since there are many. */
static bool held_back(uint64_t most, uint64_t seed)
{
	uint64_t until[HELD] = { 0 };

	for (uint64_t store = 1; store <= stores; store++) {
		choice = (struct choice){ HELD_BACK, store, UINT64_MAX, 0 };
		if (run(tell_strict) && held_until && store < HELD)
			until[store] = held_until;
		if (runs >= most || (end_early && failed_hard))
			return false;
	}
	for (uint64_t turn = 1; turn <= stores && turn < HELD; turn++) {
		uint64_t store = 1 + (turn + seed) % (stores < HELD - 1 ? stores : HELD - 1);

		for (uint64_t later = store + 1; later <= until[store]; later++)
			if (!go(HELD_BACK, store, later, 0) || runs >= most)
				return false;
	}
	return stores < HELD;
}

/* A store of the writer up to its barrier, beside a reader that was inside before it: of many, evenly chosen ones. */
static bool held_inside(uint64_t most, uint64_t seed)
{
	uint64_t all = stores * accesses, stride = all > most ? all / most + 1 : 1;

	for (uint64_t store = 1; store <= stores; store++)
		for (uint64_t access = 1 + (seed + store) % stride; access <= accesses; access += stride) {
			choice = (struct choice){ HELD_INSIDE, store, access, 0 };
			if (!run(tell_strict))
				break;	/* a barrier follows upon this store */
			if (end_early && failed_hard)
				return false;
		}
	return stride == 1;
}

static bool drawn(enum policy policy, uint64_t times, uint64_t depth, uint64_t seed)
{
	uint64_t state = seed * 0x9e3779b97f4a7c15UL | 1;

	for (uint64_t i = 0; i < times; i++) {
		uint64_t one = next_random(&state) >> 1;

		if (policy == RANDOM ? !go(RANDOM, 0, 2 + one % 60, one) :
				       !go(PRIORITIES, writer_accesses + accesses, depth, one))
			break;
	}
	return false;
}

static void tell(bool complete)
{
	put("{\"runs\":%lu,\"stores\":%lu,\"accesses\":%lu,\"complete\":%s,", runs, stores, accesses,
	    complete ? "true" : "false");
	found_tell();
	alone_tell();
	put("\"races\":[");
	for (unsigned int i = 0; i < races_found; i++)
		put("%s[%lu,%lu,%d,%d,%lu]", i ? "," : "", (unsigned long)races[i].writer, (unsigned long)races[i].reader,
		    races[i].writer_marked, races[i].reader_marked, races[i].times);
	put("]}\n");
}

void sweep(const char *how, uint64_t most, uint64_t depth, uint64_t seed, bool strict, bool first_only)
{
	bool complete = false;

	tell_strict = strict;
	end_early = first_only;
	if (!sweep_ready())
		complete = true;
	else if (!strcmp(how, "in-order"))
		complete = true;
	else if (!strcmp(how, "single"))
		complete = single();
	else if (!strcmp(how, "pairs"))
		complete = pairs(most);
	else if (!strcmp(how, "held-back"))
		complete = held_back(most, seed);
	else if (!strcmp(how, "held-inside"))
		complete = held_inside(most, seed);
	else if (!strcmp(how, "random"))
		complete = drawn(RANDOM, most, depth, seed);
	else if (!strcmp(how, "priorities"))
		complete = drawn(PRIORITIES, most, depth, seed);
	tell(complete);
}

/* One interleaving again, with each access told, and the nodes that there are in the end. */
void sweep_one(struct choice which, bool trace)
{
	bool ready = sweep_ready();

	if (ready) {
		found_clear();
		choice = which;
		trace_on = trace;
		run(true);
		trace_on = false;
	}
	put("{");
	found_tell();
	put("\"arena\":%lu,\"fields\":[%zu,%zu,%zu],", (unsigned long)arena, offsetof(struct maple_tree, ma_flags),
	    offsetof(struct maple_tree, ma_root), sizeof(struct maple_tree));
	trace_tell();
	put(",\"nodes\":[");
	for (unsigned int i = 0, told = 0; trace && i < NODES && node_state[i] != NEVER; i++, told = 1) {
		put("%s[%d", told ? "," : "", node_state[i]);
		for (unsigned int word = 0; word < NODE_SIZE / 8; word++)
			put(",%lu", ((uint64_t *)(arena + i * NODE_SIZE))[word]);
		put("]");
	}
	put("]}\n");
}
