/* What the C victims share: ActionLoop, reading the secret of a request, and describing leftovers.
 *
 * A victim defines prepare(), which runs before the snapshot, and handle(), which runs for each request: it first
 * looks for what earlier requests left, then leaves the secret of this one, then answers what it found. The answer
 * of a first request is therefore the same whatever its secret, and any leak makes a later answer differ.
 */
#ifndef VICTIM_H
#define VICTIM_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REQUEST_FD = 0, ANSWER_FD = 3, PAGE = 4096, SECRET_SIZE = 64 };

static void prepare(void);
static void handle(const char *secret);

/* The words of the command line, after the program. */
__attribute__((unused)) static char **command_words;


/* A victim that cannot do what it is for must not pass for one that leaks nothing. */
static void check(bool holds, const char *what)
{
    if (!holds) {
        dprintf(2, "victim: %s: %s\n", what, strerror(errno));
        _exit(70);
    }
}

static void write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        check(written > 0, "write");
        bytes += written;
        length -= (size_t)written;
    }
}

/* Writes one line to the answer descriptor, with one write(2) where it fits. */
__attribute__((format(printf, 1, 2), unused)) static void answer(const char *format, ...)
{
    static char line[1 << 14];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    check(length >= 0 && (size_t)length < sizeof line - 1, "answer too long");
    line[length] = '\n';
    write_all(ANSWER_FD, line, (size_t)length + 1);
}

/* Fills memory with the secret, over and over. */
__attribute__((unused)) static void leave(void *memory, size_t length, const char *secret)
{
    size_t period = strlen(secret);
    for (size_t i = 0; i < length; i++)
        ((char *)memory)[i] = secret[i % period];
}

/* How many bytes are not `expected`. */
__attribute__((unused)) static size_t other_than(const void *memory, size_t length, unsigned char expected)
{
    size_t differing = 0;
    for (size_t i = 0; i < length; i++)
        differing += ((const volatile unsigned char *)memory)[i] != expected;
    return differing;
}

/* Whether every page of a range is mapped; msync looks without touching. */
__attribute__((unused)) static bool is_mapped(const void *address, size_t length)
{
    return msync((void *)address, length, MS_ASYNC) == 0;
}

__attribute__((unused)) static char *map_anonymous(void *hint, size_t length)
{
    char *memory = mmap(hint, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(memory != MAP_FAILED, "mmap");
    return memory;
}

/* A new file, in TMPDIR as the tests set it. The path is the caller's to unlink. */
__attribute__((unused)) static int temporary_file(char path[256])
{
    const char *folder = getenv("TMPDIR");
    snprintf(path, 256, "%s/victim-XXXXXX", folder != NULL ? folder : "/tmp");
    int fd = mkostemp(path, O_CLOEXEC);
    check(fd >= 0, path);
    return fd;
}

/* Permissions that /proc/self/maps shows for an address, such as "rw-p"; "none" where nothing is mapped. */
__attribute__((unused)) static const char *permissions(const void *address)
{
    static char found[5];
    FILE *maps = fopen("/proc/self/maps", "re");
    check(maps != NULL, "maps");
    unsigned long start, end;
    char perms[5], line[4096];
    strcpy(found, "none");
    while (fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%lx-%lx %4s", &start, &end, perms) == 3 && (unsigned long)address >= start &&
            (unsigned long)address < end)
            memcpy(found, perms, sizeof found);
    }
    fclose(maps);
    return found;
}

/* A field of /proc/self/status. */
__attribute__((unused)) static const char *status_field(const char *name)
{
    static char value[256];
    char line[4096];
    FILE *status = fopen("/proc/self/status", "re");
    check(status != NULL, "status");
    strcpy(value, "absent");
    while (fgets(line, sizeof line, status) != NULL) {
        size_t length = strlen(name);
        if (strncmp(line, name, length) == 0 && line[length] == ':') {
            snprintf(value, sizeof value, "%.*s", (int)strcspn(line + length + 2, "\n"), line + length + 2);
            for (char *tab = value; (tab = strchr(tab, '\t')) != NULL;)
                *tab = ' ';
        }
    }
    fclose(status);
    return value;
}

__attribute__((unused)) static pid_t thread_id(void)
{
    return (pid_t)syscall(SYS_gettid);
}

#ifndef VICTIM_OWN_READ
/* One byte a time would be slow, more than one line would swallow the next request: lines come one by one, since
 * the next request is sent only after the answer. */
static ssize_t read_request(char *line, size_t size)
{
    size_t length = 0;
    while (length == 0 || line[length - 1] != '\n') {
        check(length < size, "request too long");
        ssize_t count = read(REQUEST_FD, line + length, size - length);
        if (count < 0 && errno == EINTR)
            continue;
        check(count >= 0, "read");
        if (count == 0)
            return 0;
        length += (size_t)count;
    }
    return (ssize_t)length;
}
#else
static ssize_t read_request(char *line, size_t size);
#endif

int main(int count, char **words)
{
    static char line[1 << 16];
    static char secret[SECRET_SIZE];
    command_words = words + (count > 0);
    prepare();
    answer("{\"ok\":true}");
    ssize_t length;
    while ((length = read_request(line, sizeof line - 1)) > 0) {
        line[length] = '\0';
        static const char key[] = "\"secret\":\"";
        const char *value = strstr(line, key);
        check(value != NULL, "request without a secret");
        value += sizeof key - 1;
        size_t size = strcspn(value, "\"");
        check(size > 0 && size < sizeof secret, "secret of a strange length");
        memcpy(secret, value, size);
        secret[size] = '\0';
        handle(secret);
    }
    return 0;
}

#endif
