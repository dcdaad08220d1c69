/* A failed WARN or BUG is an answer, not a line on stderr. */
#ifndef MAPLEPROOF_ASM_BUG_H
#define MAPLEPROOF_ASM_BUG_H

#include <linux/compiler.h>

void shim_warn(const char *function, const char *file, int line, const char *what);
void shim_bug(const char *function, const char *file, int line, const char *what) __attribute__((noreturn));

#define WARN_ON(condition) ({							\
	int shim_warned = !!(condition);					\
	if (__builtin_expect(shim_warned, 0))					\
		shim_warn(__func__, __FILE__, __LINE__, #condition);		\
	shim_warned;								\
})
#define WARN(condition, format...)	WARN_ON(condition)
#define WARN_ON_ONCE(condition)		WARN_ON(condition)
#define WARN_ONCE(condition, format...)	WARN_ON(condition)

#endif
