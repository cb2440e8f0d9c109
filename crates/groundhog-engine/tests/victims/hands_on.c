/* Sends a descriptor to itself: a pipe of the request ("own", "shared": the message lies in memory that others may have; "through": a
 * pair of sockets of the snapshot; "many": by five messages at once), or one of the snapshot ("kept"). Or to who listens at a path: one of the snapshot, opened anew
 * ("outside", "outside-pair": through a pair for datagrams). */
#include "case.h"
#include <sys/socket.h>
#include <sys/un.h>

enum { MANY = 5 };

struct note {
    struct msghdr message;
    struct iovec part;
    char byte;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
};

static int kept[2], pair[2];
static struct note *note;

static void prepare(void)
{
    int sharing = is("shared") ? MAP_SHARED : MAP_PRIVATE;
    check(pipe2(kept, O_CLOEXEC) == 0, "pipe");
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
    note = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);
    check(note != MAP_FAILED, "mmap");
}

/* A message with one descriptor, or with room for one. */
static void write_note(int fd)
{
    memset(note, 0, sizeof *note);
    note->part = (struct iovec){&note->byte, 1};
    note->message = (struct msghdr){.msg_iov = &note->part, .msg_iovlen = 1, .msg_control = &note->control,
        .msg_controllen = sizeof note->control};
    note->control.header = (struct cmsghdr){CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(&note->control.header), &fd, sizeof fd);
}

static void send_outside(void)
{
    char path[64];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(path, sizeof path, "/proc/self/fd/%d", kept[0]);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", arguments[2]);
    int anew = open(path, O_RDONLY | O_CLOEXEC), own[2];
    if (is("outside-pair"))
        check(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, own) == 0, "socketpair");
    else
        own[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(anew >= 0 && connect(own[0], (struct sockaddr *)&address, sizeof address) == 0, arguments[2]);
    write_note(anew);
    check(sendmsg(own[0], &note->message, 0) == 1, "sendmsg");
}

static void handle(const char *secret)
{
    int ends[2], own[2], received;
    (void)secret;
    if (strncmp(arguments[1], "outside", 7) == 0) {
        send_outside();
        answer("sent");
        return;
    }
    check(pipe2(ends, O_CLOEXEC) == 0, "pipe");
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, own) == 0, "socketpair");
    int *through = is("through") ? pair : own;
    write_note(is("kept") ? kept[0] : ends[0]);
    if (is("many")) {
        struct mmsghdr *many = (struct mmsghdr *)(note + 1);
        for (int message = 0; message < MANY; message++)
            many[message].msg_hdr = note->message;
        check(sendmmsg(through[1], many, MANY, 0) == MANY, "sendmmsg");
    } else {
        check(sendmsg(through[1], &note->message, 0) == 1, "sendmsg");
    }
    write_note(-1);
    check(recvmsg(through[0], &note->message, MSG_CMSG_CLOEXEC) == 1, "recvmsg");
    memcpy(&received, CMSG_DATA(&note->control.header), sizeof received);
    answer("got %d", received);
}
