/*
 * What can be counted in a kernel that stands still, before a call and after it. `numbers.py` names the numbers in
 * their order: slabs in use, /proc/vmstat, charged memory, and of one process its page tables' bytes and digests of
 * smaps, of what its pages hold, and of how often each is mapped.
 *
 * The kernel frees much a little later (RCU), so both looks wait until nothing changes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "guest.h"

#define TRIES		90
#define REST_NS		2000000
#define LONGEST_REST	12	/* as many times REST_NS: in all TRIES take some two seconds */
#define PRESENT		(1ULL << 63)
#define FRAME		((1ULL << 55) - 1)

static const char *const slabs[] = {
	"vm_area_struct", "vma_lock", "maple_node", "mm_struct", "anon_vma", "anon_vma_chain", "files_cache", "fs_cache",
	"sighand_cache", "signal_cache", "task_struct", "pid", "numa_policy", "userfaultfd_ctx_cache", "page->ptl",
};

static const char *const stats[] = {
	"nr_page_table_pages", "nr_anon_pages", "nr_mapped", "nr_shmem", "nr_mlock", "nr_kernel_stack", "nr_file_pages",
};

#define SLABS	(int)(sizeof(slabs) / sizeof(*slabs))
#define STATS	(int)(sizeof(stats) / sizeof(*stats))

static char text[4 << 20];
static int64_t noted[NUMBERS];

static uint64_t digest(uint64_t sum, const void *from, size_t length)
{
	const unsigned char *byte = from;

	while (length--)
		sum = (sum ^ *byte++) * 1099511628211ULL;
	return sum;
}

/* KASAN keeps freed objects in quarantine; this empties it, cache by cache */
static void shrink(void)
{
	static int kasan = -1;
	char path[96];

	if (kasan < 0) {
		get("/proc/cmdline", text, sizeof(text));
		kasan = strstr(text, "guest.kasan") != NULL;
	}
	for (int i = 0; kasan && i < SLABS; i++) {
		snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", slabs[i]);
		put(path, "1");
	}
}

/* What changes by being looked at is left out */
static uint64_t smaps_digest(pid_t pid)
{
	uint64_t sum = 14695981039346656037ULL;
	char path[64], *line, *end;

	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	get(path, text, sizeof(text));
	for (line = text; (end = strchr(line, '\n')); line = end + 1)
		if (strncmp(line, "Referenced", 10) && strncmp(line, "Pss", 3))
			sum = digest(sum, line, end + 1 - line);
	return sum;
}

static void page_digests(pid_t pid, int64_t *contents, int64_t *counts)
{
	static char page[PAGE];
	char path[64], *line, *next;
	uint64_t held = 14695981039346656037ULL, mapped = held;
	int pagemap, memory, mapcounts = open("/proc/kpagecount", O_RDONLY | O_CLOEXEC);

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	pagemap = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	get(path, text, sizeof(text));
	for (line = text; *line; line = next) {
		unsigned long start, end;

		next = strchr(line, '\n');
		next = next ? next + 1 : line + strlen(line);
		if (sscanf(line, "%lx-%lx", &start, &end) != 2 || memmem(line, next - line, "[v", 2) ||
		    memmem(line, next - line, "[stack", 6))
			continue;
		for (unsigned long at = start; at < end; at += PAGE) {
			uint64_t entry = 0, count = 0;

			if (pread(pagemap, &entry, 8, at / PAGE * 8) != 8)
				break;
			if (entry & PRESENT) {
				if (pread(mapcounts, &count, 8, (entry & FRAME) * 8) != 8)
					count = 0;
				if (pread(memory, page, PAGE, at) == PAGE)
					held = digest(held, page, PAGE);
			}
			count = entry & PRESENT ? count + 1 : 0;
			mapped = digest(mapped, &count, 8);
		}
	}
	close(pagemap);
	close(memory);
	close(mapcounts);
	*contents = held;
	*counts = mapped;
}

/* Objects in use in all slabs of a kind */
static long sum(const char *kind)
{
	long all = 0;

	for (char *line = text; (line = strstr(line, kind)); line++)
		if (line == text || line[-1] == '\n')
			all += strtol(line + strcspn(line, " "), NULL, 10);
	return all;
}

static void count_all(pid_t pid, int64_t *numbers)
{
	char path[64];
	int at = 0;

	memset(numbers, 0, NUMBERS * sizeof(*numbers));
	shrink();
	get("/proc/sys/vm/stat_refresh", text, sizeof(text));
	get("/proc/slabinfo", text, sizeof(text));
	for (int i = 0; i < SLABS; i++)
		numbers[at++] = field(text, slabs[i]);
	numbers[at++] = sum("kmalloc-");
	get("/proc/vmstat", text, sizeof(text));
	for (int i = 0; i < STATS; i++)
		numbers[at++] = field(text, stats[i]);
	get("/proc/meminfo", text, sizeof(text));
	numbers[at++] = field(text, "Committed_AS");
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	get(path, text, sizeof(text));
	numbers[at++] = field(text, "VmPTE");
	numbers[at++] = field(text, "VmLck");
	numbers[at++] = smaps_digest(pid);
	page_digests(pid, &numbers[at], &numbers[at + 1]);
}

/* The longer nothing has settled, the longer is waited */
static void rest(int tries)
{
	struct timespec time = { 0, REST_NS * (1 + (tries / 4 < LONGEST_REST ? tries / 4 : LONGEST_REST)) };

	nanosleep(&time, NULL);
}

void note(pid_t pid, int64_t *numbers)
{
	count_all(pid, numbers);
	for (int i = 0; i < TRIES; i++) {
		memcpy(noted, numbers, sizeof(noted));
		rest(i + 4);
		count_all(pid, numbers);
		if (!memcmp(noted, numbers, sizeof(noted)))
			break;
	}
	memcpy(noted, numbers, sizeof(noted));
}

void look(pid_t pid, int64_t *numbers)
{
	for (int i = 0; i < TRIES; i++) {
		count_all(pid, numbers);
		if (!memcmp(noted, numbers, sizeof(noted)))
			break;
		rest(i);
	}
}
