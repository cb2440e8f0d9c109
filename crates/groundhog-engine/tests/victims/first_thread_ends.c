/* The first thread ends in a request, and the process lives on in another one. */
#include "case.h"

static atomic_int go, started;

static bool first_is_zombie(void)
{
    char line[256] = "";
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    check(fd >= 0 && read(fd, line, sizeof line - 1) > 0, "stat");
    close(fd);
    return strrchr(line, ')')[2] == 'Z';
}

static void *live_on(void *unused)
{
    atomic_store(&started, 1);
    while (!atomic_load(&go))
        usleep(100);
    while (!first_is_zombie())
        usleep(100);
    answer("alone");
    for (;;)
        pause();
    return unused;
}

static void prepare(void)
{
    pthread_t thread;
    check(pthread_create(&thread, NULL, live_on, NULL) == 0, "pthread_create");
    while (!atomic_load(&started))
        sched_yield();
}

static void handle(const char *secret)
{
    (void)secret;
    atomic_store(&go, 1);
    syscall(SYS_exit, 0);
}
