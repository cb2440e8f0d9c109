/* Evasion: a child adds a mark to a fanotify group of the snapshot. */
#include "child.h"
#include <sys/fanotify.h>

static void prepare(void)
{
    open_twice(fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY));
}

static void act(const char *secret)
{
    const char *folder = getenv("TMPDIR");
    (void)secret;
    (void)!fanotify_mark(ACTED, FAN_MARK_ADD, FAN_DELETE_SELF, AT_FDCWD, folder != NULL ? folder : "/tmp");
}

static void handle(const char *secret)
{
    char line[256];
    int marks = fdinfo(SEEN, "fanotify ino", line);
    by_child(act, secret);
    answer("{\"marks\":%d}", marks);
}
