/* Threads that wait, each in another system call, across the snapshot and all restores: none may see EINTR, or a wait
 * that ended early, which is what a careless tracer makes of them. */
#include "case.h"
#include <linux/futex.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>

enum { FOREVER = 100000 }; /* seconds */
static int silent[2];      /* nothing is ever written to it */
/* Likewise. Of pairs that two threads make at a time the ends are not known where the kernel has no unix_diag. */
static int pair[2], timed_pair[2];
static atomic_int ready, woken, last_waiting;
static atomic_int last_errno;
static const char *_Atomic which = "none";

static const struct timespec far = {.tv_sec = FOREVER};

static long wait_read(void)
{
    char byte;
    return read(silent[0], &byte, 1);
}

static long wait_poll(void)
{
    return poll(&(struct pollfd){.fd = silent[0], .events = POLLIN}, 1, FOREVER * 1000);
}

static long wait_ppoll(void)
{
    return syscall(SYS_ppoll, &(struct pollfd){.fd = silent[0], .events = POLLIN}, 1, &far, NULL, 8);
}

static long wait_select(void)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(silent[0], &set);
    return select(silent[0] + 1, &set, NULL, NULL, &(struct timeval){.tv_sec = FOREVER});
}

static long wait_pselect(void)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(silent[0], &set);
    return pselect(silent[0] + 1, &set, NULL, NULL, &far, NULL);
}

static int epoll_on_silent(void)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    check(epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, silent[0], &event) == 0, "epoll");
    return epoll;
}

static long wait_epoll(void)
{
    static int epoll = -1;
    if (epoll < 0)
        epoll = epoll_on_silent();
    return epoll_wait(epoll, &(struct epoll_event){0}, 1, -1);
}

static long wait_epoll_timed(void)
{
    static int epoll = -1;
    if (epoll < 0)
        epoll = epoll_on_silent();
    return epoll_wait(epoll, &(struct epoll_event){0}, 1, FOREVER * 1000);
}

static long wait_nanosleep(void)
{
    return syscall(SYS_nanosleep, &far, NULL);
}

static long wait_clock_nanosleep(void)
{
    int error = clock_nanosleep(CLOCK_MONOTONIC, 0, &far, NULL);
    errno = error;
    return error ? -1 : 0;
}

static long wait_clock_until(void)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += FOREVER;
    int error = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    errno = error;
    return error ? -1 : 0;
}

static long wait_futex(void)
{
    static int word;
    return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL);
}

static long wait_futex_timed(void)
{
    static int word;
    return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &far);
}

static long wait_semaphore(void)
{
    static sem_t semaphore; /* zero */
    return sem_wait(&semaphore);
}

static long wait_condition(void)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += FOREVER;
    pthread_mutex_lock(&mutex);
    int error = pthread_cond_timedwait(&condition, &mutex, &until);
    pthread_mutex_unlock(&mutex);
    errno = error;
    return error ? -1 : 0;
}

static long wait_pause(void)
{
    return pause();
}

static long wait_signal(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 3);
    return sigtimedwait(&set, NULL, &far);
}

static long wait_suspend(void)
{
    sigset_t none;
    sigemptyset(&none);
    return sigsuspend(&none);
}

static long wait_receive(void)
{
    char byte;
    return recv(pair[0], &byte, 1, 0);
}

static long wait_receive_timed(void)
{
    char byte;
    return recv(timed_pair[0], &byte, 1, 0);
}

static const struct {
    const char *name;
    long (*wait)(void);
} waits[] = {
    {"read", wait_read},
    {"poll", wait_poll},
    {"ppoll", wait_ppoll},
    {"select", wait_select},
    {"pselect", wait_pselect},
    {"epoll_wait", wait_epoll},
    {"epoll_wait with a time-out", wait_epoll_timed},
    {"nanosleep", wait_nanosleep},
    {"clock_nanosleep", wait_clock_nanosleep},
    {"clock_nanosleep until", wait_clock_until},
    {"futex", wait_futex},
    {"futex with a time-out", wait_futex_timed},
    {"sem_wait", wait_semaphore},
    {"pthread_cond_timedwait", wait_condition},
    {"pause", wait_pause},
    {"sigtimedwait", wait_signal},
    {"sigsuspend", wait_suspend},
    {"recv", wait_receive},
    {"recv with a time-out", wait_receive_timed},
};
enum { WAITS = sizeof waits / sizeof waits[0] };

/* One that never waits keeps the process from ever being quiet. */
static void *be_busy(void *unused)
{
    atomic_fetch_add(&ready, 1);
    for (volatile unsigned long turns = 0;; turns++)
        ;
    return unused;
}

static void *wait_forever(void *number)
{
    int at = (int)(intptr_t)number;
    sigset_t all; /* so that signals go to the first thread */
    sigfillset(&all);
    if (waits[at].wait != wait_suspend)
        pthread_sigmask(SIG_BLOCK, &all, NULL);
    for (;;) {
        pid_t self = thread_id();
        for (pid_t last = atomic_load(&last_waiting); last < self;)
            atomic_compare_exchange_weak(&last_waiting, &last, self);
        atomic_fetch_add(&ready, 1);
        waits[at].wait();
        atomic_store(&last_errno, errno);
        atomic_store(&which, waits[at].name);
        atomic_fetch_add(&woken, 1);
    }
    return NULL;
}

/* Whether a thread of ours sleeps: field 3 of its stat. */
static bool sleeps(pid_t tid)
{
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, line, sizeof line - 1);
    close(fd);
    line[length > 0 ? length : 0] = '\0';
    const char *end = strrchr(line, ')');
    return end != NULL && end[2] == 'S';
}

#include <dirent.h>

/* Every other thread is asleep in its call. */
static void settle(void)
{
    DIR *tasks = opendir("/proc/self/task");
    check(tasks != NULL, "task");
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
        pid_t tid = atoi(entry->d_name);
        /* The first one looks, and one born after those that wait may be busy. */
        while (tid != 0 && tid != getpid() && tid <= last_waiting && !sleeps(tid))
            sched_yield();
    }
    closedir(tasks);
}

static void prepare(void)
{
    check(pipe2(silent, O_CLOEXEC) == 0, "what to wait for");
    check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
    check(socketpair(AF_UNIX, SOCK_STREAM, 0, timed_pair) == 0, "socketpair");
    struct timeval limit = {.tv_sec = FOREVER};
    check(setsockopt(timed_pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0, "SO_RCVTIMEO");
    for (int i = 0; i < WAITS; i++) {
        pthread_t thread;
        check(pthread_create(&thread, NULL, wait_forever, (void *)(intptr_t)i) == 0, "pthread_create");
    }
    while (atomic_load(&ready) < WAITS)
        sched_yield();
    settle();
    pthread_t thread;
    if (is("busy"))
        check(pthread_create(&thread, NULL, be_busy, NULL) == 0, "pthread_create");
    while (is("busy") && atomic_load(&ready) < WAITS + 1)
        sched_yield();
}

static void handle(const char *secret)
{
    (void)secret;
    /* Whoever was woken by the restore has had the time to say so. */
    settle();
    answer("woken %d, last %s: %s", atomic_load(&woken), atomic_load(&which), strerror(atomic_load(&last_errno)));
}
