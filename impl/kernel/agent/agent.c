/*
 * An address space to be observed: a process that does what it is told and touches nothing else.
 *
 * Without a C library, so that it maps and faults nothing by itself: what /proc says of it beyond its own few pages
 * is what it was told to do. It has a pair of descriptors for commands and answers; a fork has another, whose number
 * the command names.
 */
#include <stdint.h>
#include <asm/unistd.h>
#include <asm/ioctl.h>
#include <linux/fcntl.h>
#include <linux/mempolicy.h>
#include <linux/userfaultfd.h>

#define PAGE		4096UL
#define SLOTS		8
#define FIRST_COMMANDS	10
#define FIRST_ANSWERS	(FIRST_COMMANDS + SLOTS)
#define SIGCHLD		17
#define PR_SET_THP_DISABLE 41
#define EFAULT		14

enum { MMAP, MUNMAP, MPROTECT, MREMAP, MADVISE, TOUCH, WRITE, READ, FORK, EXIT, SYSCALL, BIND, USERFAULT, FORKS };

struct command {
	uint64_t op, a, b, c, d, e;
};

struct answer {
	int64_t ret;
	uint64_t value;
};

static long call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static void touch(uint64_t start, uint64_t end, int write)
{
	for (uint64_t at = start; at < end; at += PAGE) {
		volatile uint64_t *word = (volatile uint64_t *)at;

		if (write)
			*word = *word;
		else
			(void)*word;
	}
}

/* A userfaultfd for a range, which hears of forks; its number is the value */
static int64_t userfault(uint64_t start, uint64_t size, uint64_t *value)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_EVENT_FORK };
	struct uffdio_register range = { .range = { start, size }, .mode = UFFDIO_REGISTER_MODE_MISSING };
	int64_t number = call(__NR_userfaultfd, O_NONBLOCK, 0, 0, 0, 0, 0), ret;

	if (number < 0)
		return number;
	ret = call(__NR_ioctl, number, UFFDIO_API, (long)&api, 0, 0, 0);
	if (!ret)
		ret = call(__NR_ioctl, number, UFFDIO_REGISTER, (long)&range, 0, 0, 0);
	*value = number;
	return ret;
}

/* So many forks in a row, whose children exit at once: how many of them failed */
static int64_t forks(uint64_t count)
{
	int64_t failed = 0;

	while (count--) {
		long child = call(__NR_clone, SIGCHLD, 0, 0, 0, 0, 0);

		if (child == 0)
			call(__NR_exit_group, 0, 0, 0, 0, 0, 0);
		failed += child < 0;
	}
	return failed;
}

static int64_t carry_out(const struct command *c, uint64_t *value)
{
	static const uint64_t first_node = 1;

	switch (c->op) {
	case MMAP:
		return call(__NR_mmap, c->a, c->b, c->c, c->d, (int)c->e, 0);
	case MUNMAP:
		return call(__NR_munmap, c->a, c->b, 0, 0, 0, 0);
	case MPROTECT:
		return call(__NR_mprotect, c->a, c->b, c->c, 0, 0, 0);
	case MREMAP:
		return call(__NR_mremap, c->a, c->b, c->c, c->d, c->e, 0);
	case MADVISE:
		return call(__NR_madvise, c->a, c->b, c->c, 0, 0, 0);
	case TOUCH:
		touch(c->a, c->b, c->c != 0);
		return 0;
	case WRITE:
		*(volatile uint64_t *)c->a = c->b;
		return 0;
	case READ:
		*value = *(volatile uint64_t *)c->a;
		return 0;
	case SYSCALL:
		return call(c->a, c->b, c->c, c->d, c->e, 0, 0);
	case BIND:
		return call(__NR_mbind, c->a, c->b, MPOL_PREFERRED, (long)&first_node, 64, 0);
	case USERFAULT:
		return userfault(c->a, c->b, value);
	case FORKS:
		return forks(c->a);
	default:
		return -EFAULT;
	}
}

void serve(void)
{
	int64_t ignored[4] = { 1, 0, 0, 0 };	/* SIG_IGN: children need nobody to wait for them */
	long slot = 0;

	call(__NR_rt_sigaction, SIGCHLD, (long)ignored, 0, 8, 0, 0);
	call(__NR_prctl, PR_SET_THP_DISABLE, 1, 0, 0, 0, 0);
	for (;;) {
		struct command command;
		struct answer answer = { 0, 0 };

		if (call(__NR_read, FIRST_COMMANDS + slot, (long)&command, sizeof(command), 0, 0, 0) != sizeof(command) ||
		    command.op == EXIT)
			call(__NR_exit_group, 0, 0, 0, 0, 0, 0);
		if (command.op == FORK) {
			answer.ret = call(__NR_clone, SIGCHLD, 0, 0, 0, 0, 0);
			if (answer.ret == 0)
				slot = command.a;
		} else {
			answer.ret = carry_out(&command, &answer.value);
		}
		/* A message takes memory too, which a cgroup may refuse for a while */
		while (call(__NR_write, FIRST_ANSWERS + slot, (long)&answer, sizeof(answer), 0, 0, 0) < 0)
			call(__NR_sched_yield, 0, 0, 0, 0, 0, 0);
	}
}

__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tand $-16, %rsp\n\tcall serve\n");
