/* What can wait in open files: what a request adds to it, and what it takes of what waited. */
#include "case.h"
#include <mqueue.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

enum { WAITING = 8 };

static int ends[2], sockets[2], one;
static char folder[256];
static mqd_t messages;

static bool begins(const char *with)
{
    return strncmp(arguments[1], with, strlen(with)) == 0;
}

/* Sends a descriptor to oneself; none with -1. */
static void pass(int fd)
{
    char byte = 'd', room[CMSG_SPACE(sizeof fd)] = "";
    struct iovec vector = {&byte, 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    struct cmsghdr *control = CMSG_FIRSTHDR(&message);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(control), &fd, sizeof fd);
    if (fd < 0)
        message.msg_control = NULL, message.msg_controllen = 0;
    struct mmsghdr many[2] = {{.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}}, {.msg_hdr = message}};
    if (is("rights-many"))
        check(sendmmsg(sockets[1], many, 2, 0) == 2, "sendmmsg");
    else
        check(sendmsg(sockets[1], &message, 0) == 1, "sendmsg");
    if (fd >= 0)
        close(fd);
}

static void prepare(void)
{
    int packets = begins("packets") ? SOCK_SEQPACKET : SOCK_STREAM;
    sigset_t child;
    check(pipe2(ends, O_NONBLOCK | O_CLOEXEC | (is("pipe-packets") ? O_DIRECT : 0)) == 0, "pipe");
    check(socketpair(AF_UNIX, packets | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sockets) == 0, "socketpair");
    if (begins("pipe-"))
        check(write(ends[1], "waiting!", WAITING) == WAITING, "write");
    if (is("socket-taken") || is("packets-waiting"))
        check(write(sockets[1], "waiting!", WAITING) == WAITING, "write");
    if (is("rights-waiting"))
        pass(open("/dev/null", O_RDONLY));
    if (begins("semaphore"))
        one = eventfd(is("semaphore-taken") || is("semaphore-added") ? 4 : 0, EFD_SEMAPHORE | EFD_NONBLOCK);
    if (is("timer")) {
        struct itimerspec later = {.it_value.tv_sec = 2}; /* not before the first request, also on a slow machine */
        one = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
        check(timerfd_settime(one, 0, &later, NULL) == 0, "timerfd");
    }
    if (begins("events") || is("rights")) {
        snprintf(folder, sizeof folder, "%s/victim-XXXXXX", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
        check(mkdtemp(folder) != NULL, "mkdtemp");
    }
    if (begins("events")) {
        one = inotify_init1(IN_NONBLOCK);
        check(one >= 0 && inotify_add_watch(one, folder, IN_ATTRIB) >= 0, "inotify");
        if (is("events-waiting"))
            check(chmod(folder, 0755) == 0, "chmod");
    }
    if (is("signals")) {
        sigemptyset(&child);
        sigaddset(&child, SIGCHLD);
        check(sigprocmask(SIG_BLOCK, &child, NULL) == 0, "sigprocmask");
        one = signalfd(-1, &child, SFD_NONBLOCK);
    }
    if (begins("messages")) {
        struct mq_attr size = {.mq_maxmsg = 4, .mq_msgsize = 16};
        snprintf(folder, sizeof folder, "/victim-%d", getpid());
        messages = mq_open(folder, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &size);
        check(messages >= 0 && mq_unlink(folder) == 0, "mq_open");
        if (is("messages"))
            check(mq_send(messages, "waiting!", WAITING, 0) == 0, "mq_send");
    }
}

static void on_semaphore(void)
{
    uint64_t count, found = 0;
    while ((is("semaphore-taken") || is("semaphore-added") || found < 100) && read(one, &count, sizeof count) > 0)
        found++;
    count = is("semaphore-much") ? 1UL << 40 : is("semaphore-taken") ? 0 : is("semaphore-added") ? 9 : 5;
    check(write(one, &count, sizeof count) == sizeof count, "write");
    answer("%lu", (unsigned long)found);
}

static void on_rights(void)
{
    int status;
    if (is("rights-none") || is("rights-many")) {
        pass(is("rights-none") ? -1 : open("/dev/null", O_RDONLY));
        answer("sent");
        return;
    }
    if (is("rights-by-child")) {
        pid_t child = fork();
        if (child == 0) {
            pass(dup(ends[0]));
            _exit(0);
        }
        check(child > 0 && waitpid(child, &status, 0) == child && status == 0, "a child");
        answer("sent");
        return;
    }
    char path[300];
    snprintf(path, sizeof path, "%s/locked", folder);
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool free = flock(file, LOCK_EX | LOCK_NB) == 0;
    if (free)
        pass(file);
    answer("%s", free ? "free" : "still locked");
}

static void handle(const char *secret)
{
    char found[256] = "", byte;
    ssize_t count = 0;
    if (is("given")) {
        static const char nothing[] = "secret-000001";
        if (strcmp(secret, nothing) == 0)
            strcpy(found, "nothing taken");
        else
            check(read(9, found, WAITING) == WAITING, "read");
    } else if (is("pipe-taken")) {
        count = read(ends[0], found, 3);
    } else if (is("pipe-added")) {
        count = read(ends[0], found, sizeof found - 1);
        check(write(ends[1], secret, 5) == 5 && write(ends[1], secret, strlen(secret)) > 0, "write");
    } else if (is("socket-taken")) {
        count = read(sockets[0], found, 3);
    } else if (is("packets")) {
        while (read(sockets[0], &byte, 1) >= 0)
            count++;
        check(send(sockets[1], secret, strlen(secret), 0) > 0 && send(sockets[1], "", 0, 0) == 0, "send");
    } else if (is("pair")) {
        count = read(sockets[0], found, sizeof found - 1);
        check(write(sockets[1], secret, strlen(secret)) > 0 && write(sockets[0], secret, 3) == 3, "write");
        memset(found, 0, sizeof found);
    } else if (begins("semaphore")) {
        on_semaphore();
        return;
    } else if (is("timer")) {
        struct pollfd passed = {one, POLLIN, 0};
        struct itimerspec left;
        count = read(one, found, sizeof found);
        memset(found, 0, sizeof found);
        check(timerfd_gettime(one, &left) == 0, "timerfd_gettime");
        bool is_armed = left.it_value.tv_sec > 0 || left.it_value.tv_nsec > 0;
        check(!is_armed || poll(&passed, 1, -1) == 1, "poll"); /* it passes once */
    } else if (is("events")) {
        count = read(one, found, sizeof found);
        memset(found, 0, sizeof found);
        check(chmod(folder, 0700) == 0, "chmod");
    } else if (is("signals")) {
        struct signalfd_siginfo told;
        count = read(one, &told, sizeof told);
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        struct pollfd ended = {one, POLLIN, 0};
        check(child > 0 && poll(&ended, 1, -1) == 1, "the end of a child");
    } else if (begins("rights")) {
        on_rights();
        return;
    } else if (is("messages")) {
        check(mq_receive(messages, found, sizeof found, NULL) == WAITING, "mq_receive");
    }
    answer("%zd %s", count, found);
}
