/* A server that answers late: what it is sent on a connection it keeps, and sends back there when another one asks for all
 * answers with "R"; then it says "D" to that one. A connection that begins with "K" is kept unread until then: what comes
 * to its end but "F" goes to the one that asks, before the "D". Whoever says "G" is given, on the Unix socket, a descriptor
 * of an eventfd, which the server keeps open, too. TCP on a free port, which it prints; datagrams on the same;
 * a Unix socket at the path that it is given. It ends when its standard input does. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { MOST = 4096, INPUT = 0, TCP, UDP, UNIX, FIRST };

/* Whom a connection, or a datagram's sender, is to be told what. */
struct kept {
    char bytes[1024];
    size_t length;
    struct sockaddr_in sender;
    int unread; /* the descriptor of a connection that is kept unread; else 0 */
};

static struct pollfd polled[MOST];
static struct kept kept[MOST], datagrams[MOST];
static size_t count = FIRST, waiting;

static void check(bool holds, const char *what)
{
    if (!holds) {
        perror(what);
        exit(70);
    }
}

static void listen_at(const char *path)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t length = sizeof address;
    for (bool bound = false; !bound;) {
        polled[TCP].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        polled[UDP].fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        address.sin_port = 0;
        check(bind(polled[TCP].fd, (struct sockaddr *)&address, sizeof address) == 0, "bind");
        check(getsockname(polled[TCP].fd, (struct sockaddr *)&address, &length) == 0, "getsockname");
        bound = bind(polled[UDP].fd, (struct sockaddr *)&address, sizeof address) == 0; /* or another port */
    }
    snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    polled[UNIX].fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(bind(polled[UNIX].fd, (struct sockaddr *)&name, sizeof name) == 0, path);
    check(listen(polled[TCP].fd, 64) == 0 && listen(polled[UNIX].fd, 64) == 0, "listen");
    int least = 1; /* so that little has to be sent until the rest waits in its sender */
    check(setsockopt(polled[TCP].fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least) == 0, "SO_RCVBUF");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
}

static void give(int to)
{
    static int gift = -1;
    union {
        char bytes[CMSG_SPACE(sizeof gift)];
        struct cmsghdr aligned;
    } control = {0};
    struct iovec text = {.iov_base = "G", .iov_len = 1};
    struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = &control};
    message.msg_controllen = sizeof control;
    if (gift < 0)
        gift = eventfd(1, EFD_CLOEXEC);
    *CMSG_FIRSTHDR(&message) = (struct cmsghdr){CMSG_LEN(sizeof gift), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &gift, sizeof gift);
    check(gift >= 0 && sendmsg(to, &message, MSG_NOSIGNAL) == 1, "sendmsg");
}

/* Reads what has come; true when it asks for answers. */
static bool take(size_t at)
{
    struct kept *of = &kept[at];
    char first;
    if (of->length == 0 && recv(polled[at].fd, &first, 1, MSG_DONTWAIT | MSG_PEEK) == 1 && first == 'K') {
        (void)!recv(polled[at].fd, &first, 1, 0);
        of->unread = polled[at].fd;
        polled[at].fd = -1;
        return false;
    }
    ssize_t got = recv(polled[at].fd, of->bytes + of->length, sizeof of->bytes - of->length, MSG_DONTWAIT);
    if (got > 0 && of->bytes[of->length] == 'R')
        return true;
    if (got > 0 && of->length == 0 && of->bytes[0] == 'G')
        give(polled[at].fd);
    else if (got > 0)
        of->length += (size_t)got;
    else if (got == 0 || errno != EAGAIN) {
        close(polled[at].fd);
        polled[at].fd = -1;
    }
    return false;
}

static void take_datagrams(void)
{
    ssize_t got;
    do {
        struct kept *of = &datagrams[waiting];
        socklen_t length = sizeof of->sender;
        got = recvfrom(polled[UDP].fd, of->bytes, sizeof of->bytes, 0, (struct sockaddr *)&of->sender, &length);
        of->length = got > 0 ? (size_t)got : 0;
        waiting += got > 0;
    } while (got >= 0);
}

/* Reads a connection that was kept unread to its end, and tells what was no filler. */
static void read_kept(struct kept *of, int asking)
{
    static char bytes[1 << 16];
    struct timeval patience = {.tv_sec = 2};
    ssize_t got;
    (void)!setsockopt(of->unread, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    while ((got = recv(of->unread, bytes, sizeof bytes, 0)) > 0) {
        size_t length = 0;
        for (ssize_t byte = 0; byte < got; byte++)
            if (bytes[byte] != 'F')
                bytes[length++] = bytes[byte];
        if (length > 0)
            (void)!send(asking, bytes, length, MSG_NOSIGNAL);
    }
    close(of->unread);
    of->unread = 0;
}

static void answer_all(size_t asking)
{
    for (size_t at = FIRST; at < count; at++)
        if (polled[at].fd >= 0 && at != asking)
            take(at);
    for (size_t at = FIRST; at < count; at++)
        if (kept[at].unread)
            read_kept(&kept[at], polled[asking].fd);
    take_datagrams();
    for (size_t at = FIRST; at < count; at++) {
        if (polled[at].fd >= 0 && kept[at].length > 0)
            (void)!send(polled[at].fd, kept[at].bytes, kept[at].length, MSG_NOSIGNAL);
        kept[at].length = 0;
    }
    for (; waiting > 0; waiting--) {
        struct kept *of = &datagrams[waiting - 1];
        (void)!sendto(polled[UDP].fd, of->bytes, of->length, 0, (struct sockaddr *)&of->sender, sizeof of->sender);
    }
    (void)!send(polled[asking].fd, "D", 1, MSG_NOSIGNAL);
}

int main(int argc, char **argv)
{
    check(argc == 2, "usage: late PATH");
    listen_at(argv[1]);
    for (size_t at = INPUT; at < FIRST; at++)
        polled[at].events = POLLIN;
    polled[UDP].events = 0; /* taken when answers are asked for */
    for (;;) {
        check(poll(polled, count, -1) > 0, "poll");
        if (polled[INPUT].revents != 0)
            return 0;
        for (size_t at = FIRST; at < count; at++)
            if (polled[at].revents != 0 && take(at))
                answer_all(at);
        for (size_t at = TCP; at <= UNIX; at += UNIX - TCP)
            if (polled[at].revents != 0) {
                int fd = accept4(polled[at].fd, NULL, NULL, SOCK_CLOEXEC);
                size_t free = FIRST;
                while (free < count && (polled[free].fd >= 0 || kept[free].unread))
                    free++;
                check(fd >= 0 && free < MOST, "accept");
                polled[free] = (struct pollfd){.fd = fd, .events = POLLIN};
                kept[free].length = 0;
                count = free < count ? count : count + 1;
            }
    }
}
