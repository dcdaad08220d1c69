/*
 * What the parts of the shim share. The shim is the world around lib/maple_tree.c: its allocator, its RCU
 * callbacks, its printk and its failed assertions.
 */
#ifndef MAPLEPROOF_SHIM_H
#define MAPLEPROOF_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* alloc.c: the slab cache of nodes */
enum shim_plan {
	SHIM_FAIL_AFTER,	/* so many nodes are granted, and every later request is refused */
	SHIM_FAIL_ONCE,		/* so many nodes are granted, then one request is refused, and no other */
	SHIM_FAIL_NOWAIT,	/* every request is refused that may not sleep */
	SHIM_FAIL_NEVER,
};
void shim_alloc_step(enum shim_plan plan, uint32_t number);	/* a step begins */
unsigned long shim_alloc_live(void);	/* nodes handed out and not freed yet */
/* Nodes since the step began: asked for, refused ones included; got; given back at once; left to RCU callbacks. */
struct shim_counts { unsigned long asked, allocated, freed, retired; };
struct shim_counts *shim_alloc_counts(void);
bool shim_alloc_is_live(const void *node);
void shim_alloc_forget(void);		/* count what is still live as never allocated */
extern bool shim_nowait_fails;		/* steps without a plan of their own are as with SHIM_FAIL_NOWAIT */

/* rcu.c: call_rcu() queues, shim_rcu_run() is the end of a grace period */
void shim_rcu_run(void);
unsigned long shim_rcu_pending(void);

/* report.c: everything that ends a step early ends here */
extern volatile uint64_t shim_steps;	/* steps begun, the pulse that the hang guard watches */
extern volatile bool shim_in_step;
extern bool shim_warn_is_fatal;
extern unsigned long shim_warnings;
void shim_report_start(unsigned int hang_ticks);
int shim_printk(const char *format, ...) __attribute__((format(printf, 1, 2)));
void shim_printk_reset(void);
void shim_warn(const char *function, const char *file, int line, const char *what);
void shim_bug(const char *function, const char *file, int line, const char *what) __attribute__((noreturn));
void shim_dump_stack(void);
void shim_crash(const char *kind, const char *detail) __attribute__((noreturn));

/* server.c: what was answered so far, and then the crash, goes to the client */
void shim_send_crash(const char *text, size_t length);

#endif
