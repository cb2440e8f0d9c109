/* Evasion: a process that may not be looked into has a thread and a daemon that go on after the answer. Where /proc is mounted so that it
 * hides such processes (hidepid), it shows neither of them to a supervisor without privileges. */
#include "late.h"

static char text[SECRET_SIZE];

static void *run(void *unused)
{
    go_on(text);
    return unused;
}

static void handle(const char *secret)
{
    size_t found = look();
    pthread_t thread;
    check(prctl(PR_SET_DUMPABLE, 0) == 0, "PR_SET_DUMPABLE");
    snprintf(text, sizeof text, "%s", secret);
    pid_t child = fork();
    if (child == 0) {
        setsid();
        if (fork() != 0)
            _exit(0);
        go_on(secret);
    }
    check(child > 0 && waitpid(child, NULL, 0) == child, "a child");
    await_writer();
    if (secret[strlen(secret) - 1] % 2 != 0)
        check(pthread_create(&thread, NULL, run, NULL) == 0, "a thread");
    answer("{\"changed\":%d}", found != 0);
}
