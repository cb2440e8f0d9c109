/* Evasion: a timer of the snapshot that counts the processor time of its thread is deleted, and another thread makes one under its
 * number (Linux 6.16 lets it). It counts that thread's time, which no list of timers tells. */
#include "victim.h"
#include <time.h>

enum { PR_TIMER_CREATE_RESTORE_IDS_ = 77, SECONDS = 10, BURNT = 20000000 };
static int number, exchanged = 1;
static int to_thread[2], to_main[2];

static void create(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    check(syscall(SYS_timer_create, CLOCK_THREAD_CPUTIME_ID, &event, &number) == 0, "timer_create");
}

static void *replace(void *unused)
{
    char byte;
    while (read(to_thread[0], &byte, 1) == 1) {
        check(syscall(SYS_timer_delete, number) == 0, "timer_delete");
        int before = number;
        prctl(PR_TIMER_CREATE_RESTORE_IDS_, 1, 0, 0, 0);
        create();
        exchanged = number == before; /* else it is another one for everybody to see */
        prctl(PR_TIMER_CREATE_RESTORE_IDS_, 0, 0, 0, 0);
        check(write(to_main[1], "x", 1) == 1, "write");
    }
    return unused;
}

static void prepare(void)
{
    pthread_t thread;
    check(pipe2(to_thread, O_CLOEXEC) == 0 && pipe2(to_main, O_CLOEXEC) == 0, "pipe");
    create();
    check(pthread_create(&thread, NULL, replace, NULL) == 0, "pthread_create");
}

static long own_time(void)
{
    struct timespec now;
    check(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0, "clock_gettime");
    return now.tv_sec * 1000000000L + now.tv_nsec;
}

static void handle(const char *secret)
{
    struct itimerspec later = {.it_value = {.tv_sec = SECONDS}}, never = {0}, left;
    char byte;
    (void)secret;
    check(syscall(SYS_timer_settime, number, 0, &later, NULL) == 0, "timer_settime");
    for (long begun = own_time(); own_time() < begun + BURNT;)
        continue;
    check(syscall(SYS_timer_settime, number, 0, &never, &left) == 0, "timer_settime");
    check(write(to_thread[1], "x", 1) == 1 && read(to_main[0], &byte, 1) == 1, "thread");
    int counts = left.it_value.tv_sec < SECONDS && left.it_value.tv_nsec < 1000000000L - BURNT / 2;
    answer("{\"counts\":%s}", counts || !exchanged ? "true" : "false");
}
