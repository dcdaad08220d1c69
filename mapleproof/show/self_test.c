// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../kselftest.h"

#define PAGE 4096UL

struct vma { unsigned long first, last; unsigned int flags; };

/* The mappings of this process within low..high, equal neighbours as one; bits: read, write, exec, shared. */
static int vmas(unsigned long low, unsigned long high, struct vma *found, int most)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long start, end;
	char line[512], word[5];
	int count = 0;

	while (maps && fgets(line, sizeof(line), maps)) {
		unsigned int flags;

		if (sscanf(line, "%lx-%lx %4s", &start, &end, word) != 3 || start < low || end - 1 > high)
			continue;
		flags = (word[0] == 'r') | (word[1] == 'w') << 1 | (word[2] == 'x') << 2 | (word[3] == 's') << 3;
		if (count && found[count - 1].last + 1 == start && found[count - 1].flags == flags)
			found[count - 1].last = end - 1;
		else if (count < most)
			found[count++] = (struct vma){ start, end - 1, flags };
	}
	if (maps)
		fclose(maps);
	return count;
}

/* Whether a call returned what was expected: 0, or an error. */
static int is(long ret, int expected)
{
	return expected ? ret < 0 && errno == -expected : ret >= 0;
}

static int mapped(void *at, unsigned long start, int expected)
{
	return expected ? at == MAP_FAILED && errno == -expected : at == (void *)start;
}

static int touch(unsigned long start, unsigned long size)
{
	for (unsigned long at = start; at < start + size; at += PAGE)
		(void)*(volatile char *)at;
	return 0;
}

/* STEPS */

static int down[SPACES][2], up[SPACES][2];

/* A process does its steps as it is told, and says what came of each. The child of a fork goes on so too. */
static void serve(int space)
{
	int step;

	for (int i = 0; i < SPACES; i++)
		close(down[i][1]);
	while (read(down[space][0], &step, sizeof(step)) == sizeof(step)) {
		int here = space, good = do_step(step, &here);

		if (here >= 0 && here != space) {	/* the child: its parent answers */
			space = here;
			continue;
		}
		if (write(up[space][1], &good, sizeof(good)) != sizeof(good))
			_exit(1);
		if (here < 0)
			break;
	}
	_exit(0);
}

int main(void)
{
	int bad = 0;

	ksft_print_header();
	ksft_set_plan(1);
	for (int i = 0; i < SPACES; i++)
		if (pipe(down[i]) || pipe(up[i]))
			ksft_exit_fail_msg("no pipes\n");
	if (!fork())
		serve(0);
	for (int step = 0; step < STEPS && !bad; step++) {
		int space = space_of[step], good = 0;

		if (write(down[space][1], &step, sizeof(step)) != sizeof(step) ||
		    read(up[space][0], &good, sizeof(good)) != sizeof(good) || !good) {
			ksft_print_msg("step %d: %s\n", step + 1, told[step]);
			bad = 1;
		}
	}
	for (int i = 0; i < SPACES; i++)
		close(down[i][1]);
	ksft_test_result(!bad, "NAME\n");
	ksft_finished();
}
