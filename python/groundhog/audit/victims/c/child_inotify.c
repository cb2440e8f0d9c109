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
    char line[512];
    int watches = 0;
    snprintf(line, sizeof line, "/proc/self/fdinfo/%d", SEEN);
    FILE *info = fopen(line, "re");
    check(info != NULL, line);
    while (fgets(line, sizeof line, info) != NULL)
        watches += strncmp(line, "inotify", 7) == 0;
    fclose(info);
    by_child(act, secret);
    answer("{\"watches\":%d}", watches);
}
