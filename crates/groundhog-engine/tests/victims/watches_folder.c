/* Watches a folder in which it has a file without a name open: what is done to that file is told to the watch. */
#include "case.h"
#include <sys/inotify.h>

static char folder[256];
static int watch;

__attribute__((destructor)) static void remove_folder(void)
{
    rmdir(folder);
}

static void prepare(void)
{
    snprintf(folder, sizeof folder, "%s/victim-XXXXXX", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    check(mkdtemp(folder) != NULL, "mkdtemp");
    int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    check(file >= 0, "O_TMPFILE");
    write_all(file, "contents", 8);
    watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    check(watch >= 0 && inotify_add_watch(watch, folder, IN_ATTRIB | IN_MODIFY | IN_OPEN) >= 0, "inotify");
}

static void handle(const char *secret)
{
    char events[4096];
    (void)secret;
    ssize_t count = read(watch, events, sizeof events);
    check(chmod(folder, 0700) == 0, "chmod");
    answer("events %zd", count);
}
