/* What the parts share by which writer and reader are two threads of the machine's own. */
#ifndef MAPLEPROOF_THREADS_H
#define MAPLEPROOF_THREADS_H

#include "explore.h"

/* callbacks.c: where the reader is; what it may still look at is not freed */
enum phase { OUTSIDE, INSIDE, LEFT };
extern _Atomic int reader_phase;

/* sides.c: the two threads */
extern _Thread_local int this_side;
struct side { uint64_t begun, ended; bool failed; char text[192]; void *stack[FRAMES]; };
extern struct side sides[2];
void sides_run(uint64_t starts_writer, uint64_t starts_reader);
void sides_begin(uint64_t seed);		/* the reader's thread */
void sides_end(void);
uint64_t ticks(void);			/* of a clock that both processors share */

#endif
