/* Evasion: names of files wait behind an event of the warm-up, which nobody can put back. */
#include "open_files.h"
#include <sys/fanotify.h>

static int watch;
static char folder[256];

static void make(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    check(file >= 0 && unlink(path) == 0, path);
    close(file);
}

static void prepare(void)
{
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/watched-XXXXXX", parent != NULL ? parent : "/tmp");
    check(mkdtemp(folder) != NULL, folder);
    watch = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY);
    check(watch >= 0, "fanotify_init");
    check(fanotify_mark(watch, FAN_MARK_ADD, FAN_CREATE, AT_FDCWD, folder) == 0, "fanotify_mark");
    make("of-the-warm-up");
}

static void handle(const char *secret)
{
    static char events[1 << 14];
    ssize_t length = read(watch, events, sizeof events);
    bool found = length > 0 && memmem(events, (size_t)length, "left-", 5) != NULL;
    char name[SECRET_SIZE + 8];
    snprintf(name, sizeof name, "left-%s", secret);
    make("of-a-request");
    make(name);
    answer("{\"found\":%d}", found);
}
