/* Put before maple_tree.c: copies and fills of memory are seen word by word, and data_race() marks what it holds. */
#ifndef MAPLEPROOF_EXPLORE_HOOK_H
#define MAPLEPROOF_EXPLORE_HOOK_H

#include <stddef.h>
#include <string.h>

void *explore_copy(void *to, const void *from, size_t size);
void *explore_fill(void *to, int value, size_t size);
void explore_marked(int begin);

#define memcpy(to, from, size)		explore_copy(to, from, size)
#define memmove(to, from, size)		explore_copy(to, from, size)
#define memset(to, value, size)		explore_fill(to, value, size)

#define data_race(expression) ({				\
	explore_marked(1);					\
	__typeof__(({ expression; })) explored = ({ expression; });	\
	explore_marked(0);					\
	explored;						\
})

#endif
