/*
 * What two builds share that run one writer and one reader on the kernel's own maple tree: as two coroutines of one
 * thread, of which `coroutines/` chooses at each access to shared memory which goes on, and as two threads of the
 * machine's own (`threads/`), at its own pace, again and again.
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
#define FRAMES		8U	/* of a stack that are told */
#define POISON		0x6b	/* each byte of a freed node, where accesses are not looked at */

#define LIKELY(x)	__builtin_expect(!!(x), 1)
#define UNLIKELY(x)	__builtin_expect(!!(x), 0)

/* world.c: nodes and trees; all of it can be saved and put back */
enum { NEVER, LIVE, FREED };
extern char arena[ARENA];
extern unsigned char node_state[NODES];
extern struct ma_state writer_cursor;
static inline struct maple_tree *tree_of(unsigned int number) { return (struct maple_tree *)arena + number; }
void world_begin(unsigned int flags);
void world_save(void);
void world_restore(void);
uint32_t world_live(void);
void world_touch(unsigned int node);	/* before it is written to */
void world_touch_all(void);		/* all that are there: nobody tells of each */
void world_freed(char *node);		/* each build has its own */
void settle_stores(void);		/* the writer's are seen now; each build has its own */

/* callbacks.c: each build has its own */
void world_grace_period(void);		/* all callbacks that wait are called */
void forget_callbacks(void);

/* how a run ends before its time; each build has its own */
enum { WRITER, READER };
extern _Atomic unsigned int writes_begun, writes_done;
bool guarded(void (*work)(void));	/* false: it failed */
void failed(void *pc, void **frame, const char *format, ...) __attribute__((noreturn, format(printf, 3, 4)));
extern char failure[192];
extern void *failure_stack[FRAMES];

/* found.c: of each sort of failure how often it was met, and the first */
struct how { const char *name; uint64_t stores, access, seed; };
void found_clear(void);
void found_failure(bool strict, struct how how);
void found_tell(void);
void keep_stack(void **stack, void *pc, void **frame, char *high);

/* alone.c: the writer without a reader */
bool alone_agrees(void);
void alone_tell(void);
void finish(void);			/* of a run with a reader */

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

/* main.c, and what a build is asked: false where the words are no question of it */
bool asked(const char *word, char *rest);
bool ready(void);			/* all is there that a question needs; else it is told what is not */
bool bad(const char *what);
int numbers_of(char *text);
extern uint64_t numbers[];
void threads_start(void);
void put(const char *format, ...) __attribute__((format(printf, 1, 2)));
void put_text(const char *text);
void put_stack(void **stack, unsigned int depth);

#endif
