/* Evasion: the times of the file behind memory that is shared, which tell when that was written, and can be set. */
#include "victim.h"

enum { LENGTH = 2 * PAGE, LONG_AGO = 1000 };
static char *shared;

static void prepare(void)
{
    shared = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(shared != MAP_FAILED, "mmap");
    shared[0] = 'a';
}

static void handle(const char *secret)
{
    (void)secret;
    char link[128];
    struct stat now;
    snprintf(link, sizeof link, "/proc/self/map_files/%lx-%lx", (unsigned long)shared, (unsigned long)shared + LENGTH);
    if (stat(link, &now) != 0 && errno == EPERM) {
        answer("{\"set\":false,\"written\":false}"); /* only root may */
        return;
    }
    check(stat(link, &now) == 0, link);
    bool was_set = now.st_atim.tv_sec == LONG_AGO, was_written = now.st_mtim.tv_sec == LONG_AGO;
    struct timespec times[2] = {{LONG_AGO, 0}, {LONG_AGO, 0}};
    check(utimensat(AT_FDCWD, link, times, 0) == 0, "utimensat");
    answer("{\"set\":%s,\"written\":%s}", was_set ? "true" : "false", was_written ? "true" : "false");
}
