/* The numbers of watches go on and on: a request that adds one and removes it has counted up. */
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
    (void)secret;
    int number = inotify_add_watch(instance, "/", IN_DELETE_SELF);
    if (number >= 0)
        (void)!inotify_rm_watch(instance, number);
    answer("{\"number\":%d}", number);
}
