/* Small files of /proc and /sys, and the kernel's log. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <unistd.h>
#include "guest.h"

#define READ_AND_CLEAR 4

int put(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);
	int ret;

	if (file < 0)
		return -errno;
	ret = write(file, text, strlen(text)) < 0 ? -errno : 0;
	close(file);
	return ret;
}

/* The text of a file, and its length; a negative errno where it cannot be read */
int get(const char *path, char *to, int size)
{
	int file = open(path, O_RDONLY | O_CLOEXEC), length = 0, got;

	to[0] = 0;
	if (file < 0)
		return -errno;
	while (length < size - 1 && (got = read(file, to + length, size - 1 - length)) > 0)
		length += got;
	close(file);
	to[length] = 0;
	return length;
}

/* The number behind a key at the beginning of a line; -1 where there is none */
long field(const char *text, const char *key)
{
	size_t length = strlen(key);

	while (text && *text) {
		if (!strncmp(text, key, length) && strchr(": \t", text[length]))
			return strtol(text + length + strspn(text + length, ": \t"), NULL, 10);
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return -1;
}

int read_log(char *to, int size)
{
	int length = klogctl(READ_AND_CLEAR, to, size);

	return length < 0 ? 0 : length;
}
