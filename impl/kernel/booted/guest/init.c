/*
 * The first process of a guest kernel: it opens the channel to the host and carries out what is asked there.
 * The guest has no network and no disk; what is here came in its initramfs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>
#include "guest.h"

static int channel;
static char payload[LONGEST + 1], answer[LONGEST + 1];

void fail(const char *what)
{
	printf("guest: %s: %s\n", what, strerror(errno));	/* and the kernel panics, without its first process */
	fflush(stdout);
	_exit(1);
}

static bool receive(void *to, size_t length)
{
	for (char *at = to; length;) {
		ssize_t got = read(channel, at, length);

		if (got <= 0)
			return false;
		at += got;
		length -= got;
	}
	return true;
}

static void send(const void *from, size_t length)
{
	for (const char *at = from; length;) {
		ssize_t sent = write(channel, at, length);

		if (sent <= 0)
			fail("the channel is closed");
		at += sent;
		length -= sent;
	}
}

static void send_answer(int32_t ret, uint32_t length)
{
	struct answer_head head = { length, ret };

	send(&head, sizeof(head));
	send(answer, length);
}

/* The device of the channel is named on the command line: guest.channel=MAJOR,MINOR */
static void open_channel(void)
{
	struct termios settings;
	unsigned int major, minor;
	char *found;

	get("/proc/cmdline", payload, sizeof(payload));
	found = strstr(payload, "guest.channel=");
	if (!found || sscanf(found, "guest.channel=%u,%u", &major, &minor) != 2)
		fail("no channel is named");
	if (mknod("/channel", S_IFCHR | 0600, makedev(major, minor)) && errno != EEXIST)
		fail("mknod");
	channel = open("/channel", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (channel < 0)
		fail("the channel cannot be opened");
	tcgetattr(channel, &settings);
	cfmakeraw(&settings);
	cfsetspeed(&settings, B115200);
	tcsetattr(channel, TCSANOW, &settings);
}

static void set_up(void)
{
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sys", "/sys", "sysfs", 0, NULL);
	mount("debug", "/sys/kernel/debug", "debugfs", 0, NULL);
	mknod("/dev/ram0", S_IFBLK | 0600, makedev(1, 0));
	mknod("/dev/ram1", S_IFBLK | 0600, makedev(1, 1));
	signal(SIGPIPE, SIG_IGN);
}

static uint64_t first_word(uint32_t length)
{
	uint64_t word = 0;

	memcpy(&word, payload, length < sizeof(word) ? length : sizeof(word));
	return word;
}

static void serve(struct request_head head)
{
	struct called called = { 0 };
	int64_t *numbers = (int64_t *)answer;
	int length;

	switch (head.kind) {
	case BEGIN:
		send_answer(begin(), 0);
		break;
	case CALL:
		carry_out((struct call *)payload, &called);
		memcpy(answer, &called, sizeof(called));
		send_answer(0, sizeof(called) + read_log(answer + sizeof(called), LONGEST / 2));
		break;
	case NOTE:
		note(pid_of(first_word(head.length)), numbers);
		read_log(payload, LONGEST);
		send_answer(0, NUMBERS * sizeof(*numbers));
		break;
	case LOOK:
		look(pid_of(first_word(head.length)), numbers);
		length = read_log(answer + NUMBERS * sizeof(*numbers), LONGEST / 2);
		send_answer(0, NUMBERS * sizeof(*numbers) + length);
		break;
	case READ:
		length = get(payload, answer, LONGEST);
		send_answer(length < 0 ? length : 0, length < 0 ? 0 : length);
		break;
	case WRITE:
		send_answer(put(payload, payload + strlen(payload) + 1), 0);
		break;
	case OBSERVE:
		send_answer(observe(first_word(head.length), pid_of(0)), 0);
		break;
	case UNOBSERVE:
		end_observers((uint64_t *)answer);
		send_answer(0, OBSERVERS * sizeof(uint64_t));
		break;
	default:
		fail("an unknown request");
	}
}

int main(void)
{
	struct request_head head;

	set_up();
	open_channel();
	send("M", 1);
	while (receive(&head, sizeof(head)) && head.length <= LONGEST && receive(payload, head.length)) {
		payload[head.length] = 0;
		serve(head);
	}
	fail("the channel is closed");
}
