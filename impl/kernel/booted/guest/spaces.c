/*
 * The processes that are the address spaces: one agent, and what is forked from it. Each slot has a pipe for commands
 * and one for answers. A userfaultfd of theirs is served here: a fork waits until somebody has read of it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "guest.h"

#define FIRST_COMMANDS	10
#define FIRST_ANSWERS	(FIRST_COMMANDS + SLOTS)
#define FIRST_FILE	100
#define FILE_SIZE	(1ULL << 42)
#define HIGH		300
#define AGENT_FORK	8
#define AGENT_EXIT	9
#define AGENT_UFFD	12
#define PATIENCE_MS	20000
#define FAULTS		8

static struct {
	pid_t pid;
	int pidfd, commands, answers;
} slots[SLOTS];

static int userfaults[FAULTS], userfault_count;

pid_t pid_of(uint64_t slot)
{
	return slot < SLOTS ? slots[slot].pid : 0;
}

static void become_agent(int pipes[SLOTS][2][2])
{
	static const uint64_t size = FILE_SIZE;

	for (int slot = 0; slot < SLOTS; slot++) {	/* away first, so that none is overwritten */
		dup2(pipes[slot][0][0], HIGH + 2 * slot);
		dup2(pipes[slot][1][1], HIGH + 2 * slot + 1);
	}
	for (int slot = 0; slot < SLOTS; slot++) {
		dup2(HIGH + 2 * slot, FIRST_COMMANDS + slot);
		dup2(HIGH + 2 * slot + 1, FIRST_ANSWERS + slot);
	}
	for (int number = 0; number < FILES; number++) {
		int file = memfd_create("file", 0);

		if (file < 0 || ftruncate(file, size))
			_exit(1);
		dup2(file, FIRST_FILE + number);
	}
	/* Nothing else stays open: a file that goes away is one of the things that are counted */
	close_range(HIGH, ~0U, 0);
	close_range(FIRST_FILE + FILES, HIGH, 0);
	close_range(FIRST_ANSWERS + SLOTS, FIRST_FILE - 1, 0);
	close_range(3, FIRST_COMMANDS - 1, 0);
	execl("/agent", "agent", "pipes", NULL);
	_exit(1);
}

int begin(void)
{
	int pipes[SLOTS][2][2];
	pid_t pid;

	end_spaces();
	for (int slot = 0; slot < SLOTS; slot++)
		if (pipe2(pipes[slot][0], O_CLOEXEC) || pipe2(pipes[slot][1], O_CLOEXEC))
			return -errno;
	pid = fork();
	if (pid == 0)
		become_agent(pipes);
	for (int slot = 0; slot < SLOTS; slot++) {
		close(pipes[slot][0][0]);
		close(pipes[slot][1][1]);
		slots[slot].commands = pipes[slot][0][1];
		slots[slot].answers = pipes[slot][1][0];
	}
	if (pid < 0)
		return -errno;
	slots[0].pid = pid;
	slots[0].pidfd = syscall(SYS_pidfd_open, pid, 0);
	return pid;
}

static void bury(int slot)
{
	struct pollfd gone = { slots[slot].pidfd, POLLIN, 0 };

	poll(&gone, 1, PATIENCE_MS);
	close(slots[slot].pidfd);
	slots[slot].pid = 0;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

void end_spaces(void)
{
	for (int slot = 0; slot < SLOTS; slot++) {
		if (slots[slot].pid) {
			kill(slots[slot].pid, SIGKILL);
			bury(slot);
		}
		if (slots[slot].commands > 0) {
			close(slots[slot].commands);
			close(slots[slot].answers);
			slots[slot].commands = 0;
		}
	}
	while (userfault_count)
		close(userfaults[--userfault_count]);
}

static void serve_userfault(int userfault)
{
	struct uffd_msg message;

	if (read(userfault, &message, sizeof(message)) != sizeof(message))
		return;
	if (message.event == UFFD_EVENT_FORK) {
		close(message.arg.fork.ufd);	/* a child has none: a descriptor here would keep its address space */
	} else if (message.event == UFFD_EVENT_PAGEFAULT) {
		struct uffdio_zeropage zero = { .range = { message.arg.pagefault.address & -PAGE, PAGE } };

		if (ioctl(userfault, UFFDIO_ZEROPAGE, &zero))
			ioctl(userfault, UFFDIO_WAKE, &zero.range);
	}
}

/* An answer of the process in a slot; false where it died, or says nothing for so long that it hangs */
static bool await(int slot, struct agent_answer *answer)
{
	for (;;) {
		struct pollfd polled[2 + FAULTS] = {
			{ slots[slot].answers, POLLIN, 0 }, { slots[slot].pidfd, POLLIN, 0 },
		};

		for (int i = 0; i < userfault_count; i++)
			polled[2 + i] = (struct pollfd){ userfaults[i], POLLIN, 0 };
		if (poll(polled, 2 + userfault_count, PATIENCE_MS) <= 0)
			return false;
		if (polled[0].revents & POLLIN)
			return read(slots[slot].answers, answer, sizeof(*answer)) == sizeof(*answer);
		if (polled[1].revents)
			return false;
		for (int i = userfault_count - 1; i >= 0; i--)
			if (polled[2 + i].revents)
				serve_userfault(userfaults[i]);
	}
}

static void fault(pid_t pid, const char *name, uint64_t value)
{
	char path[64], number[24];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	snprintf(number, sizeof(number), "%lu", value);
	put(path, number);
}

static long left_of(pid_t pid)
{
	char path[64], number[24];

	snprintf(path, sizeof(path), "/proc/%d/fail-nth", pid);
	return get(path, number, sizeof(number)) > 0 ? strtol(number, NULL, 10) : 0;
}

static void probability(const char *percent)
{
	put("/sys/kernel/debug/failslab/probability", percent);
	put("/sys/kernel/debug/fail_page_alloc/probability", percent);
}

static void refuse(pid_t pid, uint64_t nth, bool later)
{
	if (later) {
		fault(pid, "make-it-fail", nth != 0);
		probability(nth ? "100" : "0");
	}
	fault(pid, "fail-nth", nth);
}

void carry_out(const struct call *call, struct called *called)
{
	int slot = call->slot < SLOTS ? call->slot : 0;
	pid_t pid = slots[slot].pid;
	struct agent_answer answer = { 0, 0 };

	if (!pid) {
		called->ret = -ESRCH;
		called->died = 1;
		return;
	}
	if (call->nth)
		refuse(pid, call->nth, call->later);
	if (write(slots[slot].commands, &call->command, sizeof(call->command)) != sizeof(call->command))
		called->died = 1;
	else if (call->command.op == AGENT_EXIT)
		bury(slot);
	else
		called->died = !await(slot, &answer);
	if (call->nth) {
		called->left = left_of(pid);
		refuse(pid, 0, call->later);
	}
	if (called->died) {
		kill(pid, SIGKILL);
		bury(slot);
	} else if (call->command.op == AGENT_FORK && answer.ret > 0) {
		int into = call->command.a % SLOTS;
		struct agent_answer first;

		slots[into].pid = answer.ret;
		slots[into].pidfd = syscall(SYS_pidfd_open, answer.ret, 0);
		if (!await(into, &first)) {
			bury(into);
			called->died = 1;
		}
	} else if (call->command.op == AGENT_UFFD && answer.ret == 0 && userfault_count < FAULTS) {
		userfaults[userfault_count++] = syscall(SYS_pidfd_getfd, slots[slot].pidfd, answer.value, 0);
	}
	called->ret = answer.ret;
	called->value = answer.value;
}
