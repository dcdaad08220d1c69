/* The barriers of the machine itself: two threads run on two of its processors. */
#ifndef MAPLEPROOF_THREADS_BARRIER_H
#define MAPLEPROOF_THREADS_BARRIER_H

#include <linux/compiler.h>

#define mb()		__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define rmb()		__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define wmb()		__atomic_thread_fence(__ATOMIC_RELEASE)
#define smp_mb()	mb()
#define smp_rmb()	rmb()
#define smp_wmb()	wmb()

#define smp_store_release(p, v) do {			\
	__atomic_thread_fence(__ATOMIC_RELEASE);	\
	WRITE_ONCE(*(p), v);				\
} while (0)
#define smp_load_acquire(p) ({						\
	__typeof__(*(p)) loaded = READ_ONCE(*(p));			\
	__atomic_thread_fence(__ATOMIC_ACQUIRE);			\
	loaded;								\
})

#endif
