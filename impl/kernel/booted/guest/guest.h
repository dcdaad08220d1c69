/*
 * The init of a guest kernel: what the parts of it know of each other, and what goes over the channel.
 *
 * The host asks, the guest answers, one at a time. A request is a head and `length` bytes; an answer is a head and
 * `length` bytes. Little endian, as both sides are x86-64. `wire.py` has the same layouts.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SLOTS		8
#define FILES		4
#define PAGE		4096UL
#define LONGEST		(1 << 20)	/* the most bytes of a request or an answer */

enum request_kind {
	BEGIN,		/* start the process of slot 0, after all others were ended: its pid */
	CALL,		/* struct call: struct called, and the kernel's log since the last answer that had it */
	NOTE,		/* slot (u64): the numbers of look.c, taken down once they stand still */
	LOOK,		/* slot (u64): the numbers, as soon as they are those taken down, or SETTLE later; the log */
	READ,		/* a path: up to LONGEST bytes of that file */
	WRITE,		/* a path, a NUL, what to write: 0 or a negative errno */
	OBSERVE,	/* the number of an observer (u64): start it beside slot 0 */
	UNOBSERVE,	/* end all observers: how often each turned (u64 each) */
};

struct request_head {
	uint32_t length;
	uint32_t kind;
};

struct answer_head {
	uint32_t length;
	int32_t ret;
};

/* One message of ../../agent/agent.c */
struct command {
	uint64_t op, a, b, c, d, e;
};

struct agent_answer {
	int64_t ret;
	uint64_t value;
};

/* A call that a space makes. The `nth` request within it is refused, counted from 1, with `later` all after it too;
 * 0 refuses none. Which requests count is set by debugfs' own files. */
struct call {
	uint64_t slot;
	struct command command;
	uint64_t nth;
	uint64_t later;
};

struct called {
	int64_t ret;
	uint64_t value;
	int64_t left;	/* of `nth`: 0 where it was reached */
	int64_t died;	/* whether the process died meanwhile */
};

/* init.c */
void fail(const char *what);

/* files.c */
int put(const char *path, const char *text);
int get(const char *path, char *to, int size);
long field(const char *text, const char *key);
int read_log(char *to, int size);

/* spaces.c */
int begin(void);
void end_spaces(void);
pid_t pid_of(uint64_t slot);
void carry_out(const struct call *call, struct called *called);

/* look.c: as many numbers as NUMBERS says */
#define NUMBERS 48
void note(pid_t pid, int64_t *numbers);
void look(pid_t pid, int64_t *numbers);

/* observers.c */
#define OBSERVERS 6
int observe(uint64_t number, pid_t pid);
void end_observers(uint64_t *turns);
