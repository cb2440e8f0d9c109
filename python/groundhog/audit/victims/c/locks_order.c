/* Evasion: where a lock stands among all, once it was given up and taken again. */
#include "victim.h"
#include <sched.h>
#include <sys/file.h>

enum { LOCKS = 2 };
static int files[LOCKS];
static unsigned long inodes[LOCKS];

static void prepare(void)
{
    char path[256];
    struct stat found;
    cpu_set_t one;
    /* The kernel keeps a list of locks for each processor. */
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    check(sched_setaffinity(0, sizeof one, &one) == 0, "processor");
    for (int at = 0; at < LOCKS; at++) {
        files[at] = temporary_file(path);
        check(flock(files[at], LOCK_EX) == 0 && fstat(files[at], &found) == 0, "flock");
        inodes[at] = found.st_ino;
    }
}

/* Which lock the kernel lists first. */
static int listed_first(void)
{
    char line[256], own[32];
    int first = LOCKS;
    FILE *locks = fopen("/proc/locks", "re");
    check(locks != NULL, "locks");
    /* Files of other folders in memory have the same numbers. */
    snprintf(own, sizeof own, " %d ", getpid());
    while (first == LOCKS && fgets(line, sizeof line, locks) != NULL) {
        char *file = strrchr(line, ':');
        for (int at = 0; at < LOCKS && file != NULL && strstr(line, own) != NULL; at++)
            if (strtoul(file + 1, NULL, 10) == inodes[at])
                first = at;
    }
    fclose(locks);
    return first;
}

static void handle(const char *secret)
{
    int first = listed_first(), again = first == 0 ? 1 : 0;
    (void)secret;
    check(flock(files[again], LOCK_UN) == 0 && flock(files[again], LOCK_EX) == 0, "flock");
    answer("{\"first\":%d}", first);
}
