/*
 * The process that the C maple tree lives in. It reads batches of steps from standard input and writes their
 * answers to standard output.
 *
 *	request: u32 number of steps, then the steps (struct step, 40 bytes each)
 *	reply:   u32 bytes of answers, u32 bytes of crash text (0: none), then both
 *
 * An answer is a struct answer, 32 bytes, and for some ops words behind it. After a crash text nothing more comes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/maple_tree.h>
#include "shim.h"
#include "step.h"

static void write_all(const void *bytes, size_t length)
{
	while (length) {
		ssize_t n = write(STDOUT_FILENO, bytes, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(3);
		bytes = (const char *)bytes + n;
		length -= n;
	}
}

static bool read_all(void *bytes, size_t length)
{
	while (length) {
		ssize_t n = read(STDIN_FILENO, bytes, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes = (char *)bytes + n;
		length -= n;
	}
	return true;
}

void shim_send_crash(const char *text, size_t length)
{
	uint32_t head[2] = { seat_whole, length };

	write_all(head, sizeof(head));
	write_all(seat_reply, seat_whole);
	write_all(text, length);
}

int main(int argc, char **argv)
{
	struct step *steps = NULL;
	uint32_t count, room = 0;

	seat_start(argc > 1 ? strtoul(argv[1], NULL, 10) : 0);
	while (read_all(&count, sizeof(count))) {
		uint32_t head[2];

		if (count > room) {
			room = count;
			steps = realloc(steps, room * sizeof(*steps));
			if (!steps)
				return 3;
		}
		if (!read_all(steps, count * sizeof(*steps)))
			return 3;
		seat_clear();
		for (uint32_t i = 0; i < count; i++)
			seat_run(&steps[i]);
		head[0] = seat_whole;
		head[1] = 0;
		write_all(head, sizeof(head));
		write_all(seat_reply, seat_whole);
	}
	return 0;
}
