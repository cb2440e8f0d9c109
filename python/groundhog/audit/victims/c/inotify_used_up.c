/* Watches of an inotify instance that tell of one event and are gone: which ones are used up spells the secret. */
#include "open_files.h"
#include <sys/inotify.h>

enum { BITS = 8 };

static int instance;
static char paths[BITS][300];

static void prepare(void)
{
    const char *parent = getenv("TMPDIR");
    instance = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    check(instance >= 0, "inotify_init1");
    for (int bit = 0; bit < BITS; bit++) {
        snprintf(paths[bit], sizeof paths[bit], "%s/watched-%d", parent != NULL ? parent : "/tmp", bit);
        int file = open(paths[bit], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        check(file >= 0 && close(file) == 0, paths[bit]);
        check(inotify_add_watch(instance, paths[bit], IN_OPEN | IN_ONESHOT) >= 0, "inotify_add_watch");
    }
}

static void handle(const char *secret)
{
    char line[256];
    int watches = fdinfo(instance, "inotify", line);
    for (int bit = 0; bit < BITS; bit++)
        if ((number_in(secret) + 1) >> bit & 1)
            close(open(paths[bit], O_RDONLY | O_CLOEXEC));
    answer("{\"watches\":%d}", watches);
}
