/* Evasion: a Unix socket is sent to itself, with one that is bound to a name: nobody has them any more once the request is over, but
 * the kernel frees such circles later, at somebody else's occasion. */
#include "victim.h"
#include <stddef.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { SENT = 3 };

static struct sockaddr_un name = {.sun_family = AF_UNIX};
static const socklen_t name_size = offsetof(struct sockaddr_un, sun_path) + 9;

/* Another name in each process: what the last one has left stays a while. */
static void prepare(void)
{
    check(getrandom(name.sun_path + 1, 8, 0) == 8, "getrandom");
}

static void handle(const char *secret)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int[SENT]))];
    } control = {.header = {CMSG_LEN(sizeof(int[SENT])), SOL_SOCKET, SCM_RIGHTS}};
    struct iovec part = {(void *)(intptr_t)secret, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    int sent[SENT];
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sent) == 0, "socketpair");
    sent[2] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(sent[2] >= 0, "socket");
    bool is_free = bind(sent[2], (struct sockaddr *)&name, name_size) == 0;
    check(is_free || errno == EADDRINUSE, "bind");
    memcpy(CMSG_DATA(&control.header), sent, sizeof sent);
    check(sendmsg(sent[1], &message, 0) == 1, "sendmsg");
    answer("{\"free\":%s}", is_free ? "true" : "false");
}
