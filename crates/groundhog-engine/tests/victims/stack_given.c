/* A thread on memory of the program's own ends in a request, and that memory is used for something else ("reused") or unmapped ("gone");
 * "called": with an alternate stack set before. "live": it is unmapped under the thread, which waits. "new": under one of the request. */
#include "case.h"
#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#else
enum { __rseq_size = 0 };
#endif

enum { SIZE = 1 << 20 };

static atomic_int ready;
static pthread_t thread;
static char *stack;
static int pipe_of_thread[2];
static bool is_over;

static void *wait_for_the_request(void *unused)
{
    char byte;
    atomic_store(&ready, 1);
    check(read(pipe_of_thread[0], &byte, 1) == 1, "read");
    static char alternate[1 << 16];
    stack_t other = {.ss_sp = alternate, .ss_size = sizeof alternate};
    check(!is("called") || sigaltstack(&other, NULL) == 0, "sigaltstack");
    return unused;
}

static void start(void)
{
    pthread_attr_t attributes;
    stack = map_anonymous(NULL, SIZE);
    check(pipe2(pipe_of_thread, O_CLOEXEC) == 0, "pipe");
    check(pthread_attr_init(&attributes) == 0 && pthread_attr_setstack(&attributes, stack, SIZE) == 0, "stack");
    check(pthread_create(&thread, &attributes, wait_for_the_request, NULL) == 0, "pthread_create");
    while (!atomic_load(&ready))
        sched_yield();
}

static void prepare(void)
{
    if (!is("new"))
        start();
}

static void handle(const char *secret)
{
    (void)secret;
    bool was_over = is_over;
    if (__rseq_size == 0) {
        answer("absent");
        return;
    }
    if (is("new")) {
        start();
    } else if (!is_over && is("live")) {
        check(prctl(PR_SET_TIMERSLACK, 1000) == 0, "prctl");
    } else if (!is_over) {
        check(write(pipe_of_thread[1], "x", 1) == 1, "write");
        check(pthread_join(thread, NULL) == 0, "pthread_join");
        is_over = true;
    }
    if (!is("reused"))
        munmap(stack, SIZE);
    else if (!was_over)
        memset(stack, 'a', SIZE);
    answer("%s, %zu others", was_over ? "over" : "there", is("reused") ? other_than(stack, SIZE, 'a') : 0);
}
