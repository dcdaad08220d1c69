/*
 * Who goes on. A policy is asked before each access to shared memory.
 *
 * in-order     the writer to its end, then the reader
 * within       the reader, whole, when the writer has made so many stores
 * at-access    the writer, whole, when the reader has made so many accesses
 * both-writer  the writer up to a store, the reader up to an access, the writer's rest, the reader's rest
 * both-reader  the reader up to an access, the writer up to a store, the reader's rest, the writer's rest
 * random       each time with a chance of one in `access`
 * priorities   PCT: the one with the higher priority, which falls at `access` random points of the run
 * held-back    the reader, whole, before a later store of the writer, while the `stores`-th is held back
 * held-inside  the reader up to an access, then its rest at the barrier up to which the writer's `stores`-th store is
 *              held back
 */
#include "coroutines.h"

#define DEPTH 8

const char *const policy_names[POLICIES] = {
	"in-order", "within", "at-access", "both-writer", "both-reader", "random", "priorities", "held-back",
	"held-inside"
};

struct choice choice;
static bool first_done, second_done;
static uint64_t random_state, times_asked, points[DEPTH];
static unsigned int point_count;
static int priority[2];

uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

int policy_begin(void)
{
	first_done = second_done = false;
	times_asked = 0;
	random_state = choice.seed * 0x9e3779b97f4a7c15UL | 1;
	switch (choice.policy) {
	case AT_ACCESS:
	case BOTH_READER:
	case HELD_INSIDE:
		return READER;
	case RANDOM:
		for (int i = 0; i < 4; i++)
			next_random(&random_state);
		return next_random(&random_state) >> 32 & 1;
	case PRIORITIES:
		for (int i = 0; i < 4; i++)
			next_random(&random_state);
		point_count = choice.access < DEPTH ? choice.access : DEPTH;
		for (unsigned int i = 0; i < point_count; i++)
			points[i] = 1 + (next_random(&random_state) >> 16) % (choice.stores + 1);
		priority[WRITER] = next_random(&random_state) >> 32 & 1;
		priority[READER] = !priority[WRITER];
		return priority[WRITER] ? WRITER : READER;
	default:
		return WRITER;
	}
}

/* Whether a thread that is about to make an access stops here, and the other goes on. Its counts hold that access. */
bool policy_switches(struct thread *me, unsigned int how)
{
	bool writes = me == &threads[WRITER], at_store = writes && how & WRITE && me->stores == choice.stores + 1;
	bool at_access = !writes && me->accesses == choice.access + 1;

	if (UNLIKELY(me->accesses > me->limit)) {
		if (writes)
			failed(NULL, NULL, "the writer does not end");
		if (threads[WRITER].done || me->waited)
			failed(NULL, NULL, "the reader does not end");
		me->waited = true;	/* it may wait for a writer that is inside */
		me->limit *= 2;
		priority[READER] = -1 - DEPTH;
		return true;
	}
	if (threads[writes ? READER : WRITER].done)
		return false;
	switch (choice.policy) {
	case WITHIN:
		return at_store && !threads[READER].started;
	case AT_ACCESS:
		return at_access;
	case HELD_INSIDE:
		return at_access && !threads[WRITER].started;
	case BOTH_WRITER:
		if (at_store && !first_done)
			return first_done = true;
		return at_access && !second_done && (second_done = true);
	case BOTH_READER:
		if (at_access && !first_done)
			return first_done = true;
		return at_store && !second_done && (second_done = true);
	case RANDOM:
		return (next_random(&random_state) >> 16) % choice.access == 0;
	case PRIORITIES:
		times_asked++;
		for (unsigned int i = 0; i < point_count; i++)
			if (points[i] == times_asked)
				priority[me - threads] = -1 - (int)i;
		return priority[writes ? READER : WRITER] > priority[me - threads];
	case HELD_BACK:
		return writes && how & WRITE && me->stores == choice.access && !threads[READER].started && access_holds();
	default:
		return false;
	}
}
