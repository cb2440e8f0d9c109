/* An inotify instance of the snapshot tells the names of files: also of those that are removed by whoever puts the folder
 * back. */
#include "open_files.h"
#include <sys/inotify.h>

static int instance;
static char path[300];

static void prepare(void)
{
    const char *parent = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/told", parent != NULL ? parent : "/tmp");
    check(mkdir(path, 0700) == 0 || errno == EEXIST, path);
    instance = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    check(instance >= 0 && inotify_add_watch(instance, path, IN_CREATE | IN_DELETE | IN_MOVE) >= 0, "inotify");
}

static void handle(const char *secret)
{
    static char events[8192];
    char names[4096] = "", made[400];
    ssize_t length = read(instance, events, sizeof events);
    for (ssize_t at = 0; at < length;) {
        struct inotify_event *event = (struct inotify_event *)(events + at);
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s ", event->len > 0 ? event->name : "");
        at += (ssize_t)(sizeof *event + event->len);
    }
    snprintf(made, sizeof made, "%s/%s", path, secret);
    int file = open(made, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    check(file >= 0, made);
    close(file);
    answer("{\"names\":\"%s\"}", names);
}
