/* For victims of what each thread has for itself: a thread that is not the first looks and changes, the first one answers. */
#include "victim.h"

static void change(const char *secret);
static void describe(char *text, size_t size);

static pthread_t other;
static int wanted[2], done[2];
static char found[300];
static const char *left;

static void *work(void *unused)
{
    char byte;
    check(write(done[1], "d", 1) == 1, "write");
    for (;;) {
        ssize_t count = read(wanted[0], &byte, 1);
        if (count < 0 && errno == EINTR)
            continue;
        if (count != 1)
            return unused;
        describe(found, sizeof found);
        change(left);
        check(write(done[1], "d", 1) == 1, "write");
    }
}

/* Signals are for the first thread. It is there before the snapshot: a C library registers each thread when it first runs. */
static void start_other(void)
{
    sigset_t all, before;
    char byte;
    check(pipe2(wanted, O_CLOEXEC) == 0 && pipe2(done, O_CLOEXEC) == 0, "pipe");
    sigfillset(&all);
    check(pthread_sigmask(SIG_BLOCK, &all, &before) == 0, "pthread_sigmask");
    check(pthread_create(&other, NULL, work, NULL) == 0, "pthread_create");
    check(read(done[0], &byte, 1) == 1, "the other thread");
    check(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0, "pthread_sigmask");
}

#ifndef PREPARES_ITSELF
static void prepare(void)
{
    start_other();
}
#endif

static void handle(const char *secret)
{
    char byte;
    left = secret;
    check(write(wanted[1], "w", 1) == 1 && read(done[0], &byte, 1) == 1, "the other thread");
    answer("{\"found\":\"%s\"}", found);
}
