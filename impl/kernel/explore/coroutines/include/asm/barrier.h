/* Barriers tell the explorer where stores that it holds back must be seen; between them the order is its own. */
#ifndef MAPLEPROOF_EXPLORE_BARRIER_H
#define MAPLEPROOF_EXPLORE_BARRIER_H

#include <linux/compiler.h>

void explore_barrier(void);

#define mb()		explore_barrier()
#define rmb()		__asm__ __volatile__("" ::: "memory")
#define wmb()		explore_barrier()
#define smp_mb()	explore_barrier()
#define smp_rmb()	__asm__ __volatile__("" ::: "memory")
#define smp_wmb()	explore_barrier()

#define smp_store_release(p, v) do {	\
	explore_barrier();		\
	WRITE_ONCE(*(p), v);		\
} while (0)
#define smp_load_acquire(p)	READ_ONCE(*(p))

#endif
