/* No lock validator: every lock counts as held. */
#ifndef MAPLEPROOF_LOCKDEP_H
#define MAPLEPROOF_LOCKDEP_H

#include <linux/spinlock.h>

struct lock_class_key { unsigned int a; };

#define lockdep_set_class(lock, key)	do { } while (0)
#define lockdep_is_held(lock)		1
#define lock_is_held(map)		1
#define lockdep_assert_held(lock)	do { } while (0)

#endif
