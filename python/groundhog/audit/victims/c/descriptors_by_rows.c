/* Evasion: every call that acts on an open file itself, on descriptors of the snapshot, by the process, a child and a thread:
 * through their own numbers, other openings and duplicates. */
#define PLACES BY_PROCESS, BY_CHILD, BY_THREAD
#include "rows.h"
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>

enum { SIOC_SPGRP = 0x8902, SIOC_GSTAMP = 0x8906, SIOC_GSTAMPNS = 0x8907, FIO_SETOWN = 0x8901 };
enum { PIPE_READ = 30, PIPE_WRITE, PAIR, PEER, UDP, REGULAR, OTHER, WATCHES, SIGNALS, TIMER, COUNTER, SET, MEMORY, FOLDER, TCP, NAMED };
enum { FIRST = PIPE_READ, LAST = NAMED, SPARE = 70 };

static const char message[] = "secret";

/* At a number of its own, so that a first answer is the same whatever else is open. */
static void keep(int made, int at)
{
    if (made < 0)
        return;
    check(dup3(made, at, O_CLOEXEC) == at, "dup3");
    close(made);
}

static void set_up(void)
{
    int ends[2];
    char path[256];
    sigset_t usual;
    sigemptyset(&usual);
    sigaddset(&usual, SIGUSR1);
    check(pipe2(ends, O_NONBLOCK) == 0, "pipe");
    keep(ends[0], PIPE_READ);
    keep(ends[1], PIPE_WRITE);
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0, "socketpair");
    keep(ends[0], PAIR);
    keep(ends[1], PEER);
    keep(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), UDP);
    keep(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), TCP);
    keep(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), NAMED);
    for (int at = REGULAR; at <= OTHER; at++) {
        keep(temporary_file(path), at);
        write_all(at, "regular", 7);
        unlink(path);
    }
    keep(inotify_init1(IN_NONBLOCK), WATCHES);
    keep(signalfd(-1, &usual, SFD_NONBLOCK), SIGNALS);
    keep(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), TIMER);
    keep(eventfd(0, EFD_NONBLOCK), COUNTER);
    keep(epoll_create1(0), SET);
    keep(memfd_create("victim", MFD_ALLOW_SEALING), MEMORY);
    keep(open("/proc/self/fd", O_RDONLY | O_DIRECTORY), FOLDER);
    /* What others can take. */
    write_all(PIPE_WRITE, "in the pipe", 11);
    write_all(PAIR, "for the peer", 12);
    write_all(PEER, "for the pair", 12);
    check(lseek(REGULAR, 0, SEEK_SET) == 0 && lseek(OTHER, 0, SEEK_SET) == 0 && fcntl(COUNTER, F_SETFD, 0) == 0, "lseek");
    attempt(inotify_add_watch(WATCHES, "/", IN_DELETE_SELF));
    sigprocmask(SIG_BLOCK, &usual, NULL);
    signal(SIGIO, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}

static void look(void)
{
    for (int at = FIRST; at <= LAST; at++) {
        char path[64];
        struct f_owner_ex owner = {0};
        int waiting = 0;
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        if (fcntl(at, F_GETFD) < 0) {
            say("%d closed\n", at);
            continue;
        }
        fcntl(at, F_GETOWN_EX, &owner);
        ioctl(at, FIONREAD, &waiting);
        say("%d: %d %x, owner %d %d, signal %d, size %d, seals %d, waiting %d, lease %d\n", at, fcntl(at, F_GETFD),
            fcntl(at, F_GETFL), owner.type, owner.pid != 0, fcntl(at, F_GETSIG), fcntl(at, F_GETPIPE_SZ),
            fcntl(at, F_GET_SEALS), at == UDP ? 0 : waiting, fcntl(at, F_GETLEASE));
        snprintf(path, sizeof path, "/proc/self/fdinfo/%d", at);
        say_lines(path, " pos: flags: tfd: eventfd-count: sigmask: it_value: it_interval: inotify ");
        if (at == REGULAR || at == OTHER) {
            int again = reopen(at, O_RDWR | O_NONBLOCK); /* a lease does not let it wait */
            if (again >= 0)
                fcntl(again, F_OFD_GETLK, &lock);
            bool is_locked = again >= 0 && flock(again, LOCK_EX | LOCK_NB) != 0;
            if (again >= 0)
                close(again);
            say("locked %d %d, ", lock.l_type != F_UNLCK, is_locked);
        }
        char byte = '?', text[8] = "";
        struct stat found = {0};
        fstat(at, &found);
        attempt(pread(at, text, sizeof text - 1, 0));
        attempt(recv(at, &byte, 1, MSG_PEEK | MSG_DONTWAIT));
        say("mode %o, size %ld, %s, peeked %c\n", found.st_mode, (long)found.st_size, at == FOLDER ? "" : text, byte);
    }
    struct sockaddr_in at = {0};
    socklen_t length = sizeof at;
    getsockname(UDP, (struct sockaddr *)&at, &length);
    int is_listening = 0;
    length = sizeof is_listening;
    getsockopt(TCP, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &length);
    say("bound %d, listens %d, spare %d %d\n", at.sin_port != 0, is_listening, fcntl(SPARE, F_GETFD), fcntl(SPARE + 1, F_GETFD));
}

static void rows(void)
{
    char bytes[8] = "bytes";
    struct iovec vector = {bytes, 4};
    struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};
    struct mmsghdr many = {.msg_hdr = header};
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 3};
    const struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct epoll_event event = {.events = EPOLLIN, .data = {.u32 = 7}};
    const struct itimerspec later = {.it_value = {.tv_sec = 1000 + number}};
    struct timespec time;
    sigset_t other;
    int one = 1, self = getpid();
    sigemptyset(&other);
    sigaddset(&other, SIGUSR2);
    if (row("write"))
        attempt(write(PAIR, message, sizeof message));
    if (row("writev"))
        attempt(writev(PIPE_WRITE, &vector, 1));
    if (row("pwritev2"))
        attempt(syscall(SYS_pwritev2, COUNTER, &(struct iovec){&(uint64_t){7}, 8}, 1, -1, -1, 0));
    if (row("pwritev2 of a file"))
        attempt(syscall(SYS_pwritev2, REGULAR, &vector, 1, 0, 0, 0));
    if (row("read"))
        attempt(read(PEER, bytes, 1));
    if (row("readv"))
        attempt(readv(REGULAR, &vector, 1));
    if (row("readv of a pipe"))
        attempt(readv(PIPE_READ, &vector, 1));
    if (row("preadv2"))
        attempt(syscall(SYS_preadv2, OTHER, &vector, 1, -1, -1, 0));
    if (row("sendto"))
        attempt(sendto(PEER, message, 3, MSG_DONTWAIT, NULL, 0));
    if (row("sendmsg"))
        attempt(sendmsg(PEER, &header, MSG_DONTWAIT));
    if (row("sendmmsg"))
        attempt(sendmmsg(PAIR, &many, 1, MSG_DONTWAIT));
    if (row("sendto bytes to nobody"))
        attempt(sendto(UDP, message, 3, MSG_DONTWAIT, (const struct sockaddr *)&own, sizeof own));
    if (row("recvfrom"))
        attempt(recv(PAIR, bytes, 1, MSG_DONTWAIT));
    if (row("recvmsg"))
        attempt(recvmsg(PEER, &header, MSG_DONTWAIT));
    if (row("recvmmsg"))
        attempt(syscall(SYS_recvmmsg, UDP, &many, 1, MSG_DONTWAIT, NULL));
    if (row("sendfile"))
        attempt(sendfile(PIPE_WRITE, REGULAR, &(off_t){0}, 3));
    if (row("splice"))
        attempt(splice(REGULAR, &(loff_t){0}, PIPE_WRITE, NULL, 2, SPLICE_F_NONBLOCK));
    if (row("shutdown"))
        attempt(shutdown(PAIR, SHUT_WR));
    if (row("bind"))
        attempt(bind(UDP, (const struct sockaddr *)&own, sizeof own));
    if (row("connect"))
        attempt(connect(UDP, (const struct sockaddr *)&(struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(9),
                                                                          .sin_addr = own.sin_addr},
                        sizeof own));
    if (row("listen"))
        attempt(listen(TCP, 1));
    if (row("F_DUPFD"))
        attempt(fcntl(REGULAR, F_DUPFD, SPARE));
    if (row("F_DUPFD_CLOEXEC"))
        attempt(fcntl(REGULAR, F_DUPFD_CLOEXEC, SPARE + 1));
    if (row("dup")) {
        int again = dup(REGULAR);
        attempt(lseek(again, 3, SEEK_SET));
    }
    if (row("dup2"))
        attempt(syscall(SYS_dup2, REGULAR, OTHER));
    if (row("dup3"))
        attempt(dup3(COUNTER, SIGNALS, 0));
    if (row("close"))
        attempt(close(MEMORY));
    if (row("close_range"))
        attempt(syscall(SYS_close_range, SET, FOLDER, 0));
    if (row("close_range that marks"))
        attempt(syscall(SYS_close_range, REGULAR, SET, 4));
    if (row("F_SETFD"))
        attempt(fcntl(UDP, F_SETFD, 0));
    if (row("F_SETFL"))
        attempt(fcntl(REGULAR, F_SETFL, O_APPEND));
    if (row("F_SETFL by a duplicate")) {
        int again = dup(PIPE_READ);
        attempt(fcntl(again, F_SETFL, 0));
        close(again);
    }
    if (row("FIONCLEX"))
        attempt(ioctl(OTHER, FIONCLEX));
    if (row("FIOCLEX"))
        attempt(ioctl(COUNTER, FIOCLEX));
    if (row("FIONBIO"))
        attempt(ioctl(PAIR, FIONBIO, &(int){0}));
    if (row("FIOASYNC"))
        attempt(ioctl(PAIR, FIOASYNC, &one));
    if (row("FIOASYNC of a pipe"))
        attempt(ioctl(PIPE_READ, FIOASYNC, &one));
    if (row("FIOSETOWN"))
        attempt(ioctl(PAIR, FIO_SETOWN, &self));
    if (row("SIOCSPGRP"))
        attempt(ioctl(UDP, SIOC_SPGRP, &self));
    if (row("F_SETOWN"))
        attempt(fcntl(PIPE_READ, F_SETOWN, self));
    if (row("F_SETOWN_EX"))
        attempt(fcntl(PIPE_WRITE, F_SETOWN_EX, &(struct f_owner_ex){F_OWNER_TID, thread_id()}));
    if (row("F_SETSIG"))
        attempt(fcntl(PIPE_READ, F_SETSIG, SIGURG));
    if (row("F_SETLK"))
        attempt(fcntl(REGULAR, F_SETLK, &lock));
    if (row("F_SETLKW"))
        attempt(fcntl(OTHER, F_SETLKW, &(struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 3}));
    if (row("F_OFD_SETLK"))
        attempt(fcntl(REGULAR, F_OFD_SETLK, &(struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET}));
    if (row("F_OFD_SETLKW"))
        attempt(fcntl(OTHER, F_OFD_SETLKW, &(struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 100}));
    if (row("flock"))
        attempt(flock(REGULAR, LOCK_EX | LOCK_NB));
    if (row("F_SETLEASE"))
        attempt(fcntl(OTHER, F_SETLEASE, F_WRLCK));
    if (row("F_NOTIFY"))
        attempt(fcntl(FOLDER, F_NOTIFY, DN_ACCESS | DN_MULTISHOT));
    if (row("F_SETPIPE_SZ"))
        attempt(fcntl(PIPE_READ, F_SETPIPE_SZ, 2 * PAGE));
    if (row("F_ADD_SEALS"))
        attempt(fcntl(MEMORY, F_ADD_SEALS, F_SEAL_SHRINK));
    if (row("SIOCGSTAMP"))
        attempt(ioctl(UDP, SIOC_GSTAMP, &time));
    if (row("SIOCGSTAMPNS"))
        attempt(ioctl(UDP, SIOC_GSTAMPNS, &time));
    if (row("signalfd"))
        attempt(syscall(SYS_signalfd, SIGNALS, &other, 8));
    if (row("signalfd4"))
        attempt(syscall(SYS_signalfd4, SIGNALS, &other, 8, SFD_NONBLOCK));
    if (row("timerfd_settime"))
        attempt(timerfd_settime(TIMER, 0, &later, NULL));
    if (row("epoll_ctl"))
        attempt(epoll_ctl(SET, EPOLL_CTL_ADD, PIPE_READ, &event));
    if (row("epoll_ctl by a duplicate")) {
        int again = dup(SET);
        attempt(epoll_ctl(again, EPOLL_CTL_ADD, COUNTER, &event));
        close(again);
    }
    if (row("inotify_add_watch"))
        attempt(inotify_add_watch(WATCHES, "/proc", IN_DELETE_SELF));
    if (row("inotify_rm_watch"))
        attempt(inotify_rm_watch(WATCHES, 1));
    if (row("fchmod by number"))
        attempt(fchmod(MEMORY, 0600));
    if (row("ftruncate by another opening")) {
        int again = reopen(REGULAR, O_RDWR | O_NONBLOCK);
        attempt(ftruncate(again, 2));
        close(again);
    }
    if (row("fallocate"))
        attempt(fallocate(MEMORY, 0, 0, 100));
}
