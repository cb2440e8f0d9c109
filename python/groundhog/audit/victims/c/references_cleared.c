/* Evasion: marks of written pages are cleared through /proc, by a child that writes to its parent's file: those of soft-dirty
 * tracking where the kernel has it. */
#include "victim.h"

enum { SIZE = 8 * PAGE };
static char *written;

static void prepare(void)
{
    written = map_anonymous(NULL, SIZE);
    memset(written, 's', SIZE);
}

static void clear(pid_t process)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/clear_refs", process);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    for (const char *what = "14"; file >= 0 && *what != '\0'; what++) {
        /* A kernel without soft-dirty tracking refuses the second one. */
        if (write(file, what, 1) != 1)
            break;
    }
}

static void handle(const char *secret)
{
    size_t found = other_than(written, SIZE, 's');
    leave(written + PAGE, PAGE, secret);
    clear(getpid());
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        clear(parent);
        _exit(0);
    }
    check(child > 0 && waitpid(child, NULL, 0) == child, "a child");
    answer("{\"changed\":%zu}", found);
}
