/* Evasion: a terminal that becomes the process's by being opened, for reading only, and stays that when it is closed. */
#include "victim.h"

static void prepare(void)
{
    (void)setsid(); /* unless it leads a session already */
}

/* From /proc/self/stat, behind the name in parentheses: state, parent, group, session, terminal. */
static int terminal(void)
{
    char text[1024] = "";
    int number = 0;
    int file = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    check(file >= 0 && read(file, text, sizeof text - 1) > 0, "/proc/self/stat");
    close(file);
    const char *name_end = strrchr(text, ')');
    check(name_end != NULL && sscanf(name_end + 1, " %*c %*d %*d %*d %d", &number) == 1, text);
    return number;
}

static void handle(const char *secret)
{
    (void)secret;
    bool has_one = terminal() != 0;
    /* One that is nobody's. */
    for (int number = 0; number < 64 && terminal() == 0; number++) {
        char path[32];
        snprintf(path, sizeof path, "/dev/tty%s%d", number < 4 ? "S" : "", number);
        int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (file >= 0)
            close(file);
    }
    answer("{\"has one\":%d}", has_one);
}
