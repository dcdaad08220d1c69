/* The tree's own tools header, with printk and BUG_ON led to report.c. */
#ifndef MAPLEPROOF_KERNEL_H
#define MAPLEPROOF_KERNEL_H

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <asm/bug.h>

#define BUG_ON(condition) do {							\
	if (__builtin_expect(!!(condition), 0))					\
		shim_bug(__func__, __FILE__, __LINE__, #condition);		\
} while (0)

#include_next <linux/kernel.h>
#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/log2.h>

int shim_printk(const char *format, ...);
void shim_dump_stack(void);

#define printk		shim_printk
#define pr_err		shim_printk
#define pr_warn		shim_printk
#define pr_info		shim_printk
#define pr_cont		shim_printk
#define pr_debug	shim_printk
#define dump_stack	shim_dump_stack

#ifndef U8_MAX
#define U8_MAX		UCHAR_MAX
#endif
#ifndef __init
#define __init
#endif
#ifndef fallthrough
#define fallthrough do { } while (0)
#endif
#ifndef __must_hold
#define __must_hold(x)
#endif

#define atomic_inc(x)		((void)(x)->counter++)
#define atomic_read(x)		((x)->counter)
#define atomic_set(x, v)	((void)((x)->counter = (v)))

#endif
