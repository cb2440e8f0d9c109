/* The control group of the process, or of a thread by a child, which writing to a file of the group sets. */
#include "case.h"

static atomic_int other;

static void *stay(void *unused)
{
    atomic_store(&other, thread_id());
    for (;;)
        pause();
    return unused;
}

static void prepare(void)
{
    pthread_t thread;
    check(pthread_create(&thread, NULL, stay, NULL) == 0, "a thread");
    while (atomic_load(&other) == 0)
        sched_yield();
}

static bool moves(const char *file, pid_t who)
{
    char path[256], number[16];
    snprintf(path, sizeof path, "%s/%s", arguments[2], file);
    int length = snprintf(number, sizeof number, "%d", who), group = open(path, O_WRONLY | O_CLOEXEC);
    bool moved = group >= 0 && write(group, number, (size_t)length) == length;
    if (group >= 0)
        close(group);
    return moved;
}

/* "moved" where it can, and else "absent". */
static void handle(const char *secret)
{
    (void)secret;
    int status = 0;
    if (is("own")) {
        status = moves("cgroup.procs", getpid());
    } else {
        pid_t child = fork();
        if (child == 0)
            _exit(moves("tasks", atomic_load(&other)));
        check(waitpid(child, &status, 0) == child, "a child");
    }
    answer(status != 0 ? "moved" : "absent");
}
