/* What the parts of the explorer of interleavings share: accesses, coroutines, and who goes on. */
#ifndef MAPLEPROOF_COROUTINES_H
#define MAPLEPROOF_COROUTINES_H

#include "explore.h"

/* access.c: what the instrumented code calls */
enum { WRITE = 1, MARKED = 2 };
struct race { void *writer, *reader; bool writer_marked, reader_marked; uint64_t times; };
extern struct race races[64];
extern unsigned int races_found;
extern bool trace_on;
void access_begin(void);
bool access_holds(void);
extern uint64_t held_until;		/* stores when the reader came in at the barrier that ends it; 0 if it did not */
void access_watch(void *address, unsigned int how, void *pc);
void trace_tell(void);

/* thread.c: the coroutines */
struct thread {
	void *sp;
	char *stack;
	bool done, started, waited;
	uint64_t accesses, stores, limit;
};
extern struct thread threads[2];
extern struct thread *running;		/* NULL outside of both */
extern uint64_t most_accesses[2];
bool threads_run(int first);		/* false: the run failed */
void switch_to(int number);
void skipped(void) __attribute__((noreturn));	/* this interleaving is another one's twin */

/* policy.c: who goes on */
enum policy { IN_ORDER, WITHIN, AT_ACCESS, BOTH_WRITER, BOTH_READER, RANDOM, PRIORITIES, HELD_BACK, HELD_INSIDE,
	      POLICIES };
extern const char *const policy_names[POLICIES];
struct choice { enum policy policy; uint64_t stores, access, seed; };
extern struct choice choice;
static inline bool policy_holds(void) { return choice.policy == HELD_BACK || choice.policy == HELD_INSIDE; }
int policy_begin(void);			/* who begins */
bool policy_switches(struct thread *me, unsigned int how);
uint64_t next_random(uint64_t *state);

/* sweep.c: many interleavings of one scenario */
void sweep(const char *how, uint64_t most, uint64_t depth, uint64_t seed, bool strict, bool first_only);
void sweep_one(struct choice which, bool trace);

#endif
