/* What a snapshot would cost that is a child which never runs, and shares all pages that nobody writes.
 *
 *   cc -O1 -o /tmp/fork_snapshot benchmarks/fork_snapshot.c && /tmp/fork_snapshot MIB [huge]
 *
 * Prints how long the fork takes, what the first write to a page costs then, and the next, what it takes to read
 * a page from the child, and how much memory both have together, as a multiple of what is in use. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, WRITES = 1000 };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static long share_of(pid_t pid)
{
    char path[64], line[256];
    long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
    FILE *rollup = fopen(path, "re");
    while (rollup != NULL && fgets(line, sizeof line, rollup) != NULL)
        if (sscanf(line, "Pss: %ld", &kib) == 1)
            break;
    if (rollup != NULL)
        fclose(rollup);
    return kib;
}

int main(int count, char **words)
{
    if (count < 2)
        return 2;
    int huge = count > 2 && strcmp(words[2], "huge") == 0;
    size_t size = strtoul(words[1], NULL, 10) << 20;
    char *heap = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (heap == MAP_FAILED || size / PAGE < WRITES)
        return 2;
    madvise(heap, size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    for (size_t at = 0; at < size; at += PAGE)
        heap[at] = 1;

    double begun = now();
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    double forked = now();
    size_t step = size / WRITES / PAGE * PAGE;
    for (int number = 0; number < WRITES; number++)
        heap[number * step] = 2;
    double written = now();
    for (int number = 0; number < WRITES; number++)
        heap[number * step] = 3;
    double again = now();

    static char buffer[WRITES * PAGE];
    static struct iovec here[WRITES], there[WRITES];
    memset(buffer, 1, sizeof buffer);
    for (int number = 0; number < WRITES; number++) {
        here[number] = (struct iovec){buffer + number * PAGE, PAGE};
        there[number] = (struct iovec){heap + number * step, PAGE};
    }
    double reads = now();
    ssize_t got = process_vm_readv(child, here, WRITES, there, WRITES, 0);
    double read_all = now();

    printf("%zu MiB in %s pages: fork %.0f us; a page's first write %.2f us, the next %.2f; read %.2f us a page; memory %.2f x\n",
           size >> 20, huge ? "huge" : "small", forked - begun, (written - forked) / WRITES, (again - written) / WRITES,
           (read_all - reads) / WRITES, (share_of(getpid()) + share_of(child)) * 1024.0 / size);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return got == sizeof buffer ? 0 : 1;
}
