/*
 * What the parts of the shim share. The shim is the world around lib/maple_tree.c: its allocator, its RCU
 * callbacks, its printk and its failed assertions.
 */
#ifndef MAPLEPROOF_SHIM_H
#define MAPLEPROOF_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHIM_NO_LIMIT UINT32_MAX

/* alloc.c: the slab cache of nodes */
void shim_alloc_step(uint32_t succeed);	/* from here on this many allocations succeed, every later one fails */
unsigned long shim_alloc_live(void);	/* nodes handed out and not freed yet */
unsigned long shim_alloc_asked(void);	/* allocations asked for since shim_alloc_step, failed ones included */
bool shim_alloc_is_live(const void *node);
void shim_alloc_forget(void);		/* count what is still live as never allocated */
extern bool shim_nowait_fails;		/* GFP_NOWAIT requests fail, so that every write takes the retry path */

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
