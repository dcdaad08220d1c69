/*
 * Others that walk address spaces while forks fail: each a process that turns until it is ended. Which of them can meet
 * a child whose fork failed is what a run is to show.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "guest.h"

#define STAYS		"/dev/ram0"
#define GOES		"/dev/ram1"
#define OWN_PAGES	256	/* more than the slots of the other area that a processor may have in stock */
#define SWAP_PAGES	4095
#define PAUSE_NS	1000000

static pid_t running[OBSERVERS];
static uint64_t *turns;		/* shared with the observers */

static void pause_shortly(void)
{
	struct timespec time = { 0, PAUSE_NS };

	nanosleep(&time, NULL);
}

/* The first page of a swap area: its version and last page, and a word at the end */
static void make_swap(const char *name)
{
	static char page[PAGE];
	uint32_t *head = (uint32_t *)(page + 1024);
	int disk = open(name, O_WRONLY | O_CLOEXEC);

	head[0] = 1;
	head[1] = SWAP_PAGES;
	memcpy(page + PAGE - 10, "SWAPSPACE2", 10);
	if (disk < 0 || write(disk, page, PAGE) != PAGE)
		_exit(1);
	close(disk);
}

/* Ask for the pages of a process to be swapped out, area by area */
static void page_out(pid_t pid)
{
	static char text[1 << 20];
	struct iovec areas[256];
	unsigned long start, end;
	int count = 0, pidfd = syscall(SYS_pidfd_open, pid, 0);
	char path[64], mode[8];

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	get(path, text, sizeof(text));
	for (char *line = text; line && *line && count < 256; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
		if (sscanf(line, "%lx-%lx %7s", &start, &end, mode) == 3 && mode[3] == 'p' && mode[1] == 'w')
			areas[count++] = (struct iovec){ (void *)start, end - start };
	syscall(SYS_process_madvise, pidfd, areas, count, MADV_PAGEOUT, 0);
	close(pidfd);
}

/*
 * A real-time process goes on at once when it is woken, wherever another is then, and is stopped by the kernel after most
 * of a second, wherever it is itself: so states meet that hardly do otherwise.
 */
static void make_real_time(pid_t pid)
{
	struct sched_param priority = { .sched_priority = 1 };

	sched_setscheduler(pid, SCHED_FIFO, &priority);
}

/*
 * Pages of the process that forks lie in one swap area that stays; those of this process in another, which is swapped
 * off over and over. On the way to these swapoff walks the other's address space, and its child's right behind it.
 */
static void swap_off(pid_t pid)
{
	volatile char *own = mmap(NULL, OWN_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < OWN_PAGES; i++)
		own[i * PAGE] = 1;
	make_swap(STAYS);
	make_swap(GOES);
	if (swapon(STAYS, 0))
		_exit(1);
	page_out(getpid());	/* first, so that the other comes first on the list of address spaces with swap */
	page_out(pid);
	make_real_time(pid);
	for (;; turns[0]++) {
		for (int i = 0; i < OWN_PAGES; i++)
			own[i * PAGE] = 1;
		if (swapon(GOES, SWAP_FLAG_PREFER | 100))
			_exit(1);
		page_out(getpid());
		swapoff(GOES);
	}
}

/* Read of every process what walks its address space */
static void read_proc(pid_t pid)
{
	static const char *const files[] = { "maps", "smaps", "numa_maps", "statm", "pagemap" };
	static char text[1 << 16];
	char path[300];

	for (;; turns[1]++) {
		DIR *folder = opendir("/proc");
		struct dirent *entry;

		while (folder && (entry = readdir(folder))) {
			if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
				continue;
			for (unsigned int i = 0; i < sizeof(files) / sizeof(*files); i++) {
				snprintf(path, sizeof(path), "/proc/%s/%s", entry->d_name, files[i]);
				get(path, text, sizeof(text));
			}
		}
		if (folder)
			closedir(folder);
		pause_shortly();
	}
}

/* Compaction moves pages: to find who maps one, it walks the VMAs by the page's anon_vma or file */
static void compact(pid_t pid)
{
	for (;; turns[2]++) {
		if (put("/proc/sys/vm/compact_memory", "1"))
			_exit(1);
		pause_shortly();
	}
}

static void scan_ksm(pid_t pid)
{
	put("/sys/kernel/mm/ksm/sleep_millisecs", "0");
	put("/sys/kernel/mm/ksm/pages_to_scan", "10000");
	if (put("/sys/kernel/mm/ksm/run", "1"))
		_exit(1);
	for (;; turns[3]++)
		pause_shortly();
}

/* A probe in the agent's program is put into, and taken out of, each address space that maps it */
static void register_uprobes(pid_t pid)
{
	char text[32];
	struct perf_event_attr attributes = { .size = sizeof(attributes), .uprobe_path = (uintptr_t)"/agent" };
	int probe;

	if (get("/sys/bus/event_source/devices/uprobe/type", text, sizeof(text)) <= 0)
		_exit(1);
	attributes.type = atoi(text);
	attributes.probe_offset = 0x1000;
	for (;; turns[4]++) {
		probe = syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
		if (probe < 0)
			_exit(1);
		close(probe);
		pause_shortly();
	}
}

static void (*const observers[])(pid_t pid) = { swap_off, read_proc, compact, scan_ksm, register_uprobes };

int observe(uint64_t number, pid_t pid)
{
	pid_t observer;

	if (number >= sizeof(observers) / sizeof(*observers) || running[number])
		return -EINVAL;
	if (!turns)
		turns = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	turns[number] = 0;
	observer = fork();
	if (observer == 0) {
		signal(SIGTERM, SIG_DFL);
		observers[number](pid);
	}
	if (observer < 0)
		return -errno;
	running[number] = observer;
	return 0;
}

void end_observers(uint64_t *counts)
{
	for (int i = 0; i < OBSERVERS; i++) {
		counts[i] = turns ? turns[i] : 0;
		if (!running[i])
			continue;
		kill(running[i], SIGKILL);
		waitpid(running[i], NULL, 0);
		running[i] = 0;
	}
	swapoff(GOES);
	swapoff(STAYS);
	put("/sys/kernel/mm/ksm/run", "2");	/* unmerges all */
	put("/sys/kernel/mm/ksm/run", "0");
}
