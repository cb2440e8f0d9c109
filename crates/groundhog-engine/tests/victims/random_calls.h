/* What the victim of random calls has open, mapped, armed and set before its snapshot. The numbers of its descriptors are
 * known to the test (see calls/programs.rs). */
#ifndef RANDOM_CALLS_H
#define RANDOM_CALLS_H

#include "case.h"
#include <linux/netlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>

enum { FIRST_FD = 20, FAR = 1000000 /* seconds */, STACK_SIZE = 1 << 16 };
enum { MAPPINGS = 6, MAPPING_PAGES = 16 };

static char *mappings[MAPPINGS];
static int next_fd = FIRST_FD;
static pid_t sleeper;
static int memfd, named;

/* Gives a new descriptor its place. */
static int place(int fd, const char *what)
{
    check(fd >= 0, what);
    int placed = fcntl(fd, F_DUPFD_CLOEXEC, next_fd);
    check(placed == next_fd, what);
    next_fd++;
    close(fd);
    return placed;
}

static void place_pair(int fds[2], const char *what)
{
    int first = place(fds[0], what);
    fds[1] = place(fds[1], what);
    fds[0] = first;
}

static struct sockaddr_in loopback(int socket)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (socket >= 0)
        check(getsockname(socket, (struct sockaddr *)&address, &length) == 0, "getsockname");
    return address;
}

static int bound_socket(int type)
{
    int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = loopback(-1);
    check(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    return fd;
}

static void open_pipes_and_pairs(void)
{
    int fds[2];
    check(pipe2(fds, O_NONBLOCK) == 0, "pipe2");
    place_pair(fds, "pipe"); /* 20, 21 */
    check(pipe2(fds, O_NONBLOCK) == 0, "pipe2");
    write_all(fds[1], "waiting in a pipe", 17);
    place_pair(fds, "pipe"); /* 22, 23 */
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0, "socketpair");
    write_all(fds[0], "waiting in a pair", 17);
    place_pair(fds, "stream"); /* 24, 25 */
    check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds) == 0, "socketpair");
    place_pair(fds, "packets"); /* 26, 27 */
    check(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds) == 0, "socketpair");
    place_pair(fds, "datagrams"); /* 28, 29 */
}

static void open_sockets(void)
{
    place(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), "unbound");                /* 30 */
    int connected = place(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), "connected"); /* 31 */
    int bound = place(bound_socket(SOCK_DGRAM), "bound");                             /* 32 */
    struct sockaddr_in address = loopback(bound);
    check(connect(connected, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    int listener = place(bound_socket(SOCK_STREAM), "listener"); /* 33 */
    check(listen(listener, 8) == 0, "listen");
    int client = socket(AF_INET, SOCK_STREAM, 0);
    address = loopback(listener);
    check(client >= 0 && connect(client, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    check(fcntl(client, F_SETFL, O_NONBLOCK) == 0, "fcntl");
    place(client, "client");                                                        /* 34 */
    place(accept4(listener, NULL, NULL, SOCK_NONBLOCK), "accept");                  /* 35 */
    place(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), "nameless");              /* 36 */
    place(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), "idle");                 /* 37 */
}

static void watch(int set, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u64 = 0xdada0000u + (unsigned)fd};
    check(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

static void open_notifiers(void)
{
    int counter = place(eventfd(0, EFD_NONBLOCK), "eventfd");     /* 38 */
    place(eventfd(7, EFD_NONBLOCK | EFD_SEMAPHORE), "semaphore"); /* 39 */
    place(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), "timerfd"); /* 40 */
    int timer = place(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), "timerfd"); /* 41 */
    struct itimerspec far = {.it_value.tv_sec = FAR, .it_interval.tv_sec = FAR};
    check(timerfd_settime(timer, 0, &far, NULL) == 0, "timerfd_settime");
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    check(sigprocmask(SIG_BLOCK, &set, NULL) == 0, "sigprocmask");
    place(signalfd(-1, &set, SFD_NONBLOCK), "signalfd"); /* 42 */
    int epoll = place(epoll_create1(0), "epoll");        /* 43 */
    watch(epoll, 20, EPOLLIN);
    watch(epoll, 24, EPOLLIN | EPOLLET);
    watch(epoll, 22, EPOLLIN | EPOLLONESHOT);
    watch(epoll, counter, EPOLLIN | EPOLLOUT | EPOLLET);
    int outer = place(epoll_create1(0), "outer epoll"); /* 44 */
    watch(outer, epoll, EPOLLIN);
    watch(outer, 42, EPOLLIN);
    place(socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE), "netlink"); /* 45 */
}

/* The names are those of the scratch folder, which is the working directory. */
static void make_files(void)
{
    char page[PAGE];
    memset(page, 'n', sizeof page);
    int made = open("named", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    check(made >= 0, "named");
    for (int i = 0; i < MAPPING_PAGES; i++)
        write_all(made, page, sizeof page);
    close(made);
    check(mkdir("sub", 0755) == 0 && symlink("named", "link") == 0, "names in the scratch folder");
    for (int i = 0; i < 5; i++) {
        char name[] = "sub/0";
        name[4] = (char)('0' + i);
        close(open(name, O_WRONLY | O_CREAT, 0644));
    }
}

static void open_files(void)
{
    make_files();
    memfd = place(memfd_create("memory", MFD_ALLOW_SEALING), "memfd"); /* 46 */
    check(ftruncate(memfd, MAPPING_PAGES * PAGE) == 0, "ftruncate");
    write_all(memfd, "contents of a memory file", 25);
    int sealed = memfd_create("sealed", MFD_ALLOW_SEALING);
    check(sealed >= 0, "memfd");
    write_all(sealed, "sealed contents", 15);
    check(fcntl(sealed, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0, "seals");
    place(sealed, "sealed"); /* 47 */
    int temporary = place(open(".", O_TMPFILE | O_RDWR, 0600), "O_TMPFILE"); /* 48 */
    write_all(temporary, "contents of a file without a name", 33);
    /* Without a jail, what is written to files with a name stays written. */
    named = place(open("named", is("jail") ? O_RDWR : O_RDONLY), "named"); /* 49 */
    check(lseek(named, 100, SEEK_SET) == 100, "lseek");
    int folder = place(open("sub", O_RDONLY | O_DIRECTORY), "folder"); /* 50 */
    char entries[64];
    check(syscall(SYS_getdents64, folder, entries, sizeof entries) > 0, "getdents64");
    place((int)syscall(SYS_pidfd_open, getpid(), 0), "pidfd"); /* 51 */
    int status = place(open("/proc/self/status", O_RDONLY), "status"); /* 52 */
    check(read(status, entries, 20) == 20, "read");
    place(open("/dev/null", O_RDWR), "/dev/null");       /* 53 */
    place(open("/dev/urandom", O_RDONLY), "/dev/urandom"); /* 54 */
    place(fcntl(20, F_DUPFD_CLOEXEC, 100), "duplicate");  /* 55 */
    place(open(".", O_PATH), "O_PATH");                  /* 56 */
    place(socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0), "inet6"); /* 57 */
    /* After what would be its first events. */
    int notify = place(inotify_init1(IN_NONBLOCK), "inotify"); /* 58 */
    check(inotify_add_watch(notify, ".", IN_CREATE | IN_DELETE | IN_MODIFY | IN_ATTRIB | IN_MOVE) >= 0, "inotify_add_watch");
}

static void map_memory(void)
{
    const int read_write = PROT_READ | PROT_WRITE;
    const size_t length = MAPPING_PAGES * PAGE;
    int flags[MAPPINGS] = {MAP_PRIVATE | MAP_ANONYMOUS, MAP_PRIVATE | MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED | MAP_ANONYMOUS, MAP_SHARED, MAP_PRIVATE | MAP_ANONYMOUS};
    int files[MAPPINGS] = {-1, -1, named, -1, memfd, -1};
    for (int i = 0; i < MAPPINGS; i++) {
        char *room = lonely(length);
        mappings[i] = mmap(room, length, read_write, flags[i] | MAP_FIXED, files[i], 0);
        check(mappings[i] == room, "mmap");
        if (i != 4)
            memset(mappings[i], 'a' + i, length / 2);
    }
    check(mprotect(mappings[1], length, PROT_READ) == 0 && mprotect(mappings[5], length, PROT_NONE) == 0, "mprotect");
}

static void caught(int signal)
{
    (void)signal;
}

static void set_signals_and_timers(void)
{
    static char stack[STACK_SIZE];
    check(sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL) == 0, "sigaltstack");
    const int handled[] = {SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGCHLD, SIGRTMIN, SIGRTMIN + 1, SIGXFSZ};
    for (size_t i = 0; i < sizeof handled / sizeof *handled; i++)
        check(sigaction(handled[i], &(struct sigaction){.sa_handler = caught, .sa_flags = SA_RESTART | SA_ONSTACK}, NULL) == 0, "sigaction");
    check(signal(SIGPIPE, SIG_IGN) != SIG_ERR, "signal");
    check(setitimer(ITIMER_REAL, &(struct itimerval){.it_value.tv_sec = FAR, .it_interval.tv_sec = FAR}, NULL) == 0, "setitimer");
    timer_t timer;
    check(timer_create(CLOCK_MONOTONIC, &(struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN}, &timer) == 0, "timer_create");
    check(timer_settime(timer, 0, &(struct itimerspec){.it_value.tv_sec = FAR}, NULL) == 0, "timer_settime");
    check(timer_create(CLOCK_MONOTONIC, &(struct sigevent){.sigev_notify = SIGEV_NONE}, &timer) == 0, "timer_create");
}

static void *sleep_for_ever(void *ready)
{
    static char stack[STACK_SIZE];
    sleeper = thread_id();
    check(sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL) == 0, "sigaltstack");
    prctl(PR_SET_NAME, "sleeper");
    atomic_store((atomic_int *)ready, 1);
    for (;;)
        poll(NULL, 0, -1);
    return NULL;
}

static void prepare(void)
{
    static atomic_int ready;
    pthread_t thread;
    check(chdir(arguments[2]) == 0, arguments[2]);
    open_pipes_and_pairs();
    open_sockets();
    open_notifiers();
    open_files();
    map_memory();
    set_signals_and_timers();
    check(pthread_create(&thread, NULL, sleep_for_ever, &ready) == 0, "pthread_create");
    while (!atomic_load(&ready))
        sched_yield();
}

#endif
