/* One step as it comes over the pipe, and its answer. wire.py holds the same two layouts. */
#ifndef MAPLEPROOF_STEP_H
#define MAPLEPROOF_STEP_H

#include <stddef.h>
#include <stdint.h>

struct step {
	uint8_t op;
	uint8_t cursor;
	uint16_t tree;
	uint32_t fail;		/* enum shim_plan, what the caller asks with, and a number */
	uint64_t a, b, c, d;
};

#define STEP_PLAN_SHIFT	30
#define STEP_GFP_SHIFT	28
#define STEP_NUMBER	((1U << STEP_GFP_SHIFT) - 1)
#define STEP_NO_FAILURE	((uint32_t)SHIM_FAIL_NEVER << STEP_PLAN_SHIFT)
enum { STEP_GFP_KERNEL, STEP_GFP_NOWAIT, STEP_GFP_NOFAIL };

/* Entries with bit 2, below this number, are pointers. */
#define ENTRY_POINTERS	(1UL << 27)
#define ENTRY_BASE	0x1000

struct answer {
	int32_t ret;
	uint32_t status;	/* of the cursor; for answers with words behind them, their number */
	uint64_t entry, index, last;
};

enum op {
#define OP(name) OP_##name,
#include "ops.h"
#undef OP
	OP_COUNT
};

/* ops.c */
struct maple_tree;
void ops_lock(struct maple_tree *tree);
void ops_unlock(struct maple_tree *tree);
void ops_reset(unsigned int flags);
void ops_run(const struct step *step, struct answer *answer);

/* inspect.c */
void inspect_snapshot(struct maple_tree *tree, struct answer *answer);
void inspect_shape(struct maple_tree *tree, struct answer *answer);
void inspect_borders(struct maple_tree *tree, struct answer *answer);
void inspect_check(struct maple_tree *tree, struct answer *answer);

/* events.c */
void events_clear(void);
void events_tell(struct answer *answer);

/* seat.c: what was answered since it was cleared; words (or text) follow the answer */
#define SEAT_EXPORT __attribute__((visibility("default")))
extern char *seat_reply;
extern size_t seat_whole;	/* bytes of answers that are complete */
void seat_start(unsigned int hang_ticks);
void seat_clear(void);
void seat_run(const struct step *step);
const char *seat_answer(const struct step *step);
void reply_word(uint64_t word);
void reply_bytes(const char *text, uint32_t length);

#endif
