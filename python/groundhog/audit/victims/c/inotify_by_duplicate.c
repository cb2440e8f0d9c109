/* Evasion: watches are added and removed by a duplicate, which counts their numbers up. */
#include "open_files.h"
#include <sys/inotify.h>

static int instance;

static void prepare(void)
{
    instance = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    check(instance >= 0, "inotify_init1");
}

static void handle(const char *secret)
{
    int again = fcntl(instance, F_DUPFD_CLOEXEC, 100);
    (void)secret;
    int number = inotify_add_watch(again, "/", IN_DELETE_SELF);
    if (number >= 0)
        (void)!inotify_rm_watch(again, number);
    close(again);
    answer("{\"number\":%d}", number);
}
