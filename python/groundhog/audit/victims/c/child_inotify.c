/* Evasion: a child adds a watch to the inotify instance of the snapshot. */
#include "child.h"
#include <sys/inotify.h>

static void prepare(void)
{
    open_twice(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
}

static void act(const char *secret)
{
    (void)secret;
    (void)!inotify_add_watch(ACTED, "/", IN_DELETE_SELF);
}

static void handle(const char *secret)
{
    char line[256];
    int watches = fdinfo(SEEN, "inotify", line);
    by_child(act, secret);
    answer("{\"watches\":%d}", watches);
}
