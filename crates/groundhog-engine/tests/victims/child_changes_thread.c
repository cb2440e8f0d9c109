/* A child whose second thread executes another program: it goes on under the number of the first, and its own is free. */
#include "case.h"

static void *execute(void *unused)
{
    execl("/proc/self/exe", "another", "waits", NULL);
    return unused;
}

static void prepare(void)
{
    while (is("waits")) /* the other program */
        pause();
}

static void handle(const char *secret)
{
    static int requests;
    char byte;
    int found = requests++, ready[2];
    (void)secret;
    check(pipe2(ready, O_CLOEXEC) == 0, "pipe");
    if (fork() == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, execute, NULL);
        for (;;)
            pause();
    }
    close(ready[1]); /* the child's go when it executes */
    check(read(ready[0], &byte, 1) == 0, "the other program");
    answer("{\"requests\":%d}", found);
}
