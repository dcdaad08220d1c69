/*
 * What the instrumented maple_tree.c calls: the entry points of -fsanitize=thread, in place of the sanitizer's
 * library.
 *
 * Each access to shared memory is a point at which the other coroutine may go on. A node must be live when it is
 * touched. A store of the writer may be held back past later ones, until a barrier, a release, or an access of the
 * writer's own to the same word: what stood there before is put back, and the new value comes later, as a weakly
 * ordered machine may let another processor see it. Where one side is stopped just before an access and the other
 * comes to the same word, the two have no order between them.
 *
 * Not covered: loads of the reader that are not in order.
 */
#include <string.h>
#include "coroutines.h"

#define PC		__builtin_return_address(0)
#define FRAME		__builtin_frame_address(0)
#define TRACED		65536

struct race races[64];
unsigned int races_found;
bool trace_on;

static struct { struct thread *owner; char *word; unsigned int how; void *pc; } stopped;
static struct { enum { FREE, ISSUED, HELD } state; char *at; unsigned int size; uint64_t before, after; } held;
static struct traced { unsigned char who, how, size; uint32_t node, offset; uint64_t value; void *pc; } trace[TRACED];
static unsigned int traced;
static int marked;

static uint64_t load(const char *at, unsigned int size)
{
	uint64_t value = 0;

	memcpy(&value, at, size);
	return value;
}

void access_begin(void)
{
	stopped.owner = NULL;
	held.state = FREE;
	held_until = 0;
	traced = 0;
	marked = 0;
}

/* The store before has been carried out by now: take it back until it may be seen. */
static void hold_back(void)
{
	held.after = load(held.at, held.size);
	memcpy(held.at, &held.before, held.size);
	held.state = HELD;
}

bool access_holds(void) { return held.state == HELD; }

void settle_stores(void)
{
	if (running != &threads[WRITER])
		return;
	if (held.state == HELD)
		memcpy(held.at, &held.after, held.size);
	held.state = FREE;
}

uint64_t held_until;

/* Where a store is held back to here, the reader comes in now at the latest. A barrier that follows upon the store
 * itself leaves nothing that it could be seen after. */
static void last_chance(void)
{
	if (choice.policy == HELD_BACK ? threads[READER].started : threads[READER].done)
		return;
	held_until = threads[WRITER].stores;
	if (threads[WRITER].stores == choice.stores)
		skipped();
	if (held.state == ISSUED)
		hold_back();
	switch_to(READER);
}

void explore_barrier(void)
{
	if (UNLIKELY(held.state) && running == &threads[WRITER]) {
		last_chance();
		settle_stores();
	}
}

void explore_marked(int begin) { marked = begin; }

void explore_lock(spinlock_t *lock)
{
	if (running == &threads[READER])
		failed(PC, FRAME, "the reader takes the lock");
	if (lock->dep_map.held++)
		failed(PC, FRAME, "the lock is taken twice");
	world_touch(0);
}

void explore_unlock(spinlock_t *lock)
{
	explore_barrier();
	if (--lock->dep_map.held)
		failed(PC, FRAME, "the lock is left but not held");
}

/* The writer reads what it has stored, though no other sees it yet; two stores to one word keep their order. */
static void own_access(unsigned int how)
{
	if (how & WRITE) {
		settle_stores();
	} else {
		memcpy(held.at, &held.after, held.size);
		held.state = ISSUED;
	}
}

static void note_race(unsigned int how, void *pc)
{
	bool writes = running == &threads[WRITER];
	struct race race = { .writer = writes ? pc : stopped.pc, .reader = writes ? stopped.pc : pc };
	unsigned int i;

	race.writer_marked = (writes ? how : stopped.how) & MARKED;
	race.reader_marked = (writes ? stopped.how : how) & MARKED;
	for (i = 0; i < races_found; i++)
		if (races[i].writer == race.writer && races[i].reader == race.reader)
			break;
	if (i == sizeof(races) / sizeof(*races))
		return;
	if (i == races_found)
		races[races_found++] = race;
	races[i].times++;
}

static void note_trace(unsigned long at, unsigned int size, unsigned int how, void *pc)
{
	if (traced == TRACED)
		return;
	trace[traced++] = (struct traced){ running - threads, how, size, at / NODE_SIZE, at % NODE_SIZE,
					   load(arena + at, size), pc };
}

void trace_tell(void)
{
	put("\"trace\":[");
	for (unsigned int i = 0; i < traced; i++)
		put("%s[%d,%d,%u,%u,%u,%lu,%lu]", i ? "," : "", trace[i].who, trace[i].how, trace[i].size, trace[i].node,
		    trace[i].offset, trace[i].value, (unsigned long)trace[i].pc);
	put("]");
}

static __attribute__((__noinline__)) void shared(unsigned long at, unsigned int size, unsigned int how, void *pc,
						 void **frame)
{
	struct thread *me = running;
	unsigned int node = at / NODE_SIZE;

	if (UNLIKELY(marked))
		how |= MARKED;
	if (me) {
		if (UNLIKELY(held.state) && me == &threads[WRITER]) {
			if (held.state == ISSUED)
				hold_back();
			if (arena + at < held.at + held.size && held.at < arena + at + size)
				own_access(how);
		}
		me->accesses++;
		if (how & WRITE) {
			me->stores++;
			if (me == &threads[READER])
				failed(pc, frame, "the reader writes to shared memory");
		}
		if (stopped.owner && stopped.owner != me && !((arena + at - stopped.word) & ~7UL) &&
		    (how | stopped.how) & WRITE && !(how & stopped.how & MARKED))
			note_race(how, pc);
		if (UNLIKELY(policy_switches(me, how))) {
			stopped.owner = me;
			stopped.word = arena + (at & ~7UL);
			stopped.how = how;
			stopped.pc = pc;
			switch_to(me == &threads[WRITER] ? READER : WRITER);
			stopped.owner = NULL;
		}
		if (UNLIKELY(trace_on))
			note_trace(at, size, how, pc);
	}
	if (UNLIKELY(node_state[node] != LIVE))
		failed(pc, frame, "%s of %s node by the %s", how & WRITE ? "write" : "read",
		       node_state[node] == FREED ? "a freed" : "an unknown", me == &threads[READER] ? "reader" : "writer");
	if (how & WRITE) {
		world_touch(node);
		if (UNLIKELY(policy_holds()) && me == &threads[WRITER] && me->stores == choice.stores) {
			held.at = arena + at;
			held.size = size;
			held.before = load(held.at, size);
			held.state = ISSUED;
		}
	}
}

#define ACCESS(address, size, how) do {								\
	unsigned long at = (char *)(address) - arena;						\
												\
	if (UNLIKELY(at < ARENA))								\
		shared(at, size, how, PC, FRAME);						\
} while (0)

void access_watch(void *address, unsigned int how, void *pc)
{
	unsigned long at = (char *)address - arena;

	if (at < ARENA)
		shared(at, 8, how, pc, FRAME);
}

#define ENTRY(n)										\
	void __tsan_read##n(void *p) { ACCESS(p, n, 0); }					\
	void __tsan_write##n(void *p) { ACCESS(p, n, WRITE); }					\
	void __tsan_unaligned_read##n(void *p) { ACCESS(p, n, 0); }				\
	void __tsan_unaligned_write##n(void *p) { ACCESS(p, n, WRITE); }			\
	void __tsan_volatile_read##n(void *p) { ACCESS(p, n, MARKED); }				\
	void __tsan_volatile_write##n(void *p) { ACCESS(p, n, WRITE | MARKED); }		\
	void __tsan_unaligned_volatile_read##n(void *p) { ACCESS(p, n, MARKED); }		\
	void __tsan_unaligned_volatile_write##n(void *p) { ACCESS(p, n, WRITE | MARKED); }

ENTRY(1)
ENTRY(2)
ENTRY(4)
ENTRY(8)

void __tsan_init(void) { }
void __tsan_func_entry(void *pc) { }
void __tsan_func_exit(void) { }

/* Sixteen bytes and whole structs: word by word, all before the access itself. */
static void words(char *p, size_t size, unsigned int how, void *pc, void **frame)
{
	for (size_t i = 0; i < size; i += 8)
		if ((unsigned long)(p + i - arena) < ARENA)
			shared(p + i - arena, size - i < 8 ? size - i : 8, how, pc, frame);
}

void __tsan_read16(void *p) { words(p, 16, 0, PC, FRAME); }
void __tsan_write16(void *p) { words(p, 16, WRITE, PC, FRAME); }
void __tsan_unaligned_read16(void *p) { words(p, 16, 0, PC, FRAME); }
void __tsan_unaligned_write16(void *p) { words(p, 16, WRITE, PC, FRAME); }
void __tsan_read_range(void *p, size_t size) { words(p, size, 0, PC, FRAME); }
void __tsan_write_range(void *p, size_t size) { words(p, size, WRITE, PC, FRAME); }

static void one_word(char *to, const char *from, size_t size, void *pc, void **frame)
{
	uint64_t value = 0;

	if ((unsigned long)(from - arena) < ARENA)
		shared(from - arena, size, 0, pc, frame);
	memcpy(&value, from, size);
	if ((unsigned long)(to - arena) < ARENA)
		shared(to - arena, size, WRITE, pc, frame);
	memcpy(to, &value, size);
}

/* memcpy() and memmove(): a word at a time, from the end where the two overlap that way. */
void *explore_copy(void *to, const void *from, size_t size)
{
	size_t whole = size & ~7UL;
	char *t = to;
	const char *f = from;

	if (t > f && t < f + size) {
		if (size > whole)
			one_word(t + whole, f + whole, size - whole, PC, FRAME);
		for (size_t i = whole; i; i -= 8)
			one_word(t + i - 8, f + i - 8, 8, PC, FRAME);
		return to;
	}
	for (size_t i = 0; i < whole; i += 8)
		one_word(t + i, f + i, 8, PC, FRAME);
	if (size > whole)
		one_word(t + whole, f + whole, size - whole, PC, FRAME);
	return to;
}

void *explore_fill(void *to, int value, size_t size)
{
	char *t = to, word[8];

	memset(word, value, sizeof(word));
	for (size_t i = 0; i < size; i += 8)
		one_word(t + i, word, size - i < 8 ? size - i : 8, PC, FRAME);
	return to;
}
