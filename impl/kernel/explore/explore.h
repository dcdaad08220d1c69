/*
 * What the parts of the explorer share. It runs one writer and one reader on the kernel's own maple tree as two
 * coroutines of one thread, and chooses at each access to shared memory which of them goes on.
 *
 * One reader is enough: a reader that writes to shared memory fails the run, so a second one could change nothing
 * that the first or the writer sees, but keep nodes from being freed for longer.
 */
#ifndef MAPLEPROOF_EXPLORE_H
#define MAPLEPROOF_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/maple_tree.h>
#include <linux/slab.h>

#define NODE_SIZE	256UL
#define NODES		32768U
#define ARENA		(NODES * NODE_SIZE)
#define TREES		2U	/* they lie in the place of node 0 */
#define STEPS		16U	/* in the program of a reader, and in that of a writer */
#define ANSWERS		4096U
#define LOOP		4096U	/* answers after which a reader's loop has no end */

#define LIKELY(x)	__builtin_expect(!!(x), 1)
#define UNLIKELY(x)	__builtin_expect(!!(x), 0)

/* world.c: nodes, trees and callbacks; all of it can be saved and put back */
enum { NEVER, LIVE, FREED };
extern char arena[ARENA];
extern unsigned char node_state[NODES];
extern struct ma_state writer_cursor;
static inline struct maple_tree *tree_of(unsigned int number) { return (struct maple_tree *)arena + number; }
void world_begin(unsigned int flags);
void world_save(void);
void world_restore(void);
void world_touch(unsigned int node);	/* before it is written to */
void world_grace_period(void);		/* all callbacks that wait are called */
uint32_t world_live(void);

/* access.c: what the instrumented code calls */
enum { WRITE = 1, MARKED = 2 };
struct race { void *writer, *reader; bool writer_marked, reader_marked; uint64_t times; };
extern struct race races[64];
extern unsigned int races_found;
extern bool trace_on;
void access_begin(void);
void access_settle(void);		/* the store that is held back, if any, is seen now */
bool access_holds(void);
extern uint64_t held_until;		/* stores when the reader came in at the barrier that ends it; 0 if it did not */
void access_watch(void *address, unsigned int how, void *pc);
void trace_tell(void);

/* thread.c: the coroutines */
enum { WRITER, READER };
struct thread {
	void *sp;
	char *stack;
	bool done, started, waited;
	uint64_t accesses, stores, limit;
};
extern struct thread threads[2];
extern struct thread *running;		/* NULL outside of both */
extern uint64_t most_accesses[2];
extern unsigned int writes_begun, writes_done;
void threads_start(void);
bool threads_run(int first);		/* false: the run failed */
bool guarded(void (*work)(void));	/* the same for work outside of both */
void switch_to(int number);
void failed(void *pc, void **frame, const char *format, ...) __attribute__((noreturn, format(printf, 3, 4)));
void skipped(void) __attribute__((noreturn));	/* this interleaving is another one's twin */
extern char failure[192];
extern void *failure_stack[8];

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

/* program.c: what writer and reader do */
struct step { int op; uint64_t a, b, c, d; };
struct program { unsigned int tree, length; struct step steps[STEPS]; };
struct read { unsigned int step, until; unsigned int status; uint64_t index, last, entry; };
extern struct program writer, reader;
extern struct read reads[ANSWERS];
extern unsigned int reads_done, reader_step, reader_began;	/* writes that were done when the reader came in */
int op_named(const char *name);
bool is_write(int op), is_read(int op), is_setup(int op);
enum way { PLACES, LOADS, SEARCHES, BESIDE, WALKS, MOVES, LOCKS };
struct traits { const char *name; enum way way; bool down, ranges, from_here; };
const struct traits *traits_of(int op);
void write_step(const struct step *step);
void run_writer(void);
void run_reader(void);

/* mm.c: how mm looks VMAs up */
void *lock_vma(struct ma_state *mas, uint64_t index);
void lock_next_vmas(struct ma_state *mas, uint64_t from, void (*tell)(void *, uint64_t, uint64_t));

/* judge.c: what is right, from the contents that the reference says */
void contents_clear(void);
bool content_begin(unsigned int state);
bool content_add(uint64_t first, uint64_t last, uint64_t entry);
bool contents_prepare(void);
bool contents_agree(unsigned int state);	/* with what the tree holds now */
bool content_of(unsigned int state, uint64_t entry, uint64_t *first, uint64_t *last);
void judge(void);
extern char strict_failure[192];
extern int failed_read;

/* sweep.c: many interleavings of one scenario */
void sweep(const char *how, uint64_t most, uint64_t depth, uint64_t seed, bool strict, bool first_only);
bool sweep_ready(void);
void sweep_one(struct choice which, bool trace);
void put(const char *format, ...) __attribute__((format(printf, 1, 2)));
void put_text(const char *text);
void put_stack(void **stack, unsigned int depth);

#endif
