/* What the explorer of interleavings is asked: see ../main.c for the lines. */
#include <string.h>
#include "coroutines.h"

static void explore(char *text)
{
	char *rest = strchr(text, ' ');

	if (rest)
		*rest++ = 0;
	if (!rest || numbers_of(rest) != 5)
		bad("explore takes a policy and five numbers");
	else if (ready())
		sweep(text, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]);
}

static void trace(char *text)
{
	char *rest = strchr(text, ' ');
	struct choice which = { POLICIES };

	if (rest)
		*rest++ = 0;
	for (int i = 0; i < POLICIES; i++)
		if (!strcmp(policy_names[i], text))
			which.policy = i;
	if (!rest || which.policy == POLICIES || numbers_of(rest) != 3) {
		bad("trace takes a policy and three numbers");
		return;
	}
	which.stores = numbers[0];
	which.access = numbers[1];
	which.seed = numbers[2];
	if (which.policy == RANDOM && !which.access)
		bad("random needs a chance");
	else if (ready())
		sweep_one(which, true);
}

bool asked(const char *word, char *rest)
{
	if (!strcmp(word, "explore"))
		explore(rest);
	else if (!strcmp(word, "trace"))
		trace(rest);
	else
		return false;
	return true;
}
