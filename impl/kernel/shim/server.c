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

_Static_assert(sizeof(struct step) == 40 && sizeof(struct answer) == 32, "wire layout");
_Static_assert(sizeof(struct maple_node) == 256, "maple nodes must be 256 bytes");
#if defined(__LP64__)
_Static_assert(MAPLE_RANGE64_SLOTS == 16, "leaves must have 16 slots");
_Static_assert(MAPLE_ARANGE64_SLOTS == 10, "allocation nodes must have 10 slots");
#else
_Static_assert(MAPLE_RANGE64_SLOTS == 32, "leaves must have 32 slots");
_Static_assert(MAPLE_ARANGE64_SLOTS == 21, "allocation nodes must have 21 slots");
#endif

static char *reply;
static size_t reply_size, reply_used;
static size_t reply_whole;	/* bytes of answers that are complete */

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
	uint32_t head[2] = { reply_whole, length };

	write_all(head, sizeof(head));
	write_all(reply, reply_whole);
	write_all(text, length);
}

static void *reply_room(size_t length)
{
	void *room;

	if (reply_used + length > reply_size) {
		reply_size = 2 * (reply_used + length);
		reply = realloc(reply, reply_size);
		if (!reply)
			_exit(3);
	}
	room = reply + reply_used;
	reply_used += length;
	return room;
}

void reply_bytes(const char *text, uint32_t length)
{
	memcpy(reply_room(length), text, length);
}

void reply_word(uint64_t word)
{
	memcpy(reply_room(sizeof(word)), &word, sizeof(word));
}

static void run(const struct step *step)
{
	struct answer answer = { 0 };
	size_t at = reply_used;

	shim_printk_reset();
	shim_steps++;
	shim_in_step = true;
	reply_room(sizeof(answer));
	ops_run(step, &answer);
	shim_in_step = false;
	memcpy(reply + at, &answer, sizeof(answer));
	reply_whole = reply_used;
}

int main(int argc, char **argv)
{
	struct step *steps = NULL;
	uint32_t count, room = 0;

	shim_report_start(argc > 1 ? strtoul(argv[1], NULL, 10) : 0);
	maple_tree_init();
	ops_reset(0);
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
		reply_used = reply_whole = 0;
		for (uint32_t i = 0; i < count; i++)
			run(&steps[i]);
		head[0] = reply_used;
		head[1] = 0;
		write_all(head, sizeof(head));
		write_all(reply, reply_used);
	}
	return 0;
}
