/* Evasion: the priority of the process's group of the scheduler, through a descriptor of the warm-up. */
#include "open_files.h"

static int group;

static void prepare(void)
{
    (void)!setsid(); /* which makes a group of its own */
    group = open("/proc/self/autogroup", O_RDWR | O_CLOEXEC);
    check(group >= 0, "/proc/self/autogroup");
}

static void handle(const char *secret)
{
    char text[64] = "";
    int nice = 0;
    (void)secret;
    check(pread(group, text, sizeof text - 1, 0) > 0, "/proc/self/autogroup");
    const char *at = strstr(text, "nice ");
    check(at != NULL, text);
    nice = atoi(at + 5);
    /* Without privileges it can be set once in a tenth of a second, by anybody on the machine. */
    for (int tries = 0; write(group, "7", 1) < 0 && errno == EAGAIN && tries < 20; tries++) {
        struct timespec pause = {.tv_nsec = 30000000};
        nanosleep(&pause, NULL);
    }
    answer("{\"nice\":%d}", nice);
}
