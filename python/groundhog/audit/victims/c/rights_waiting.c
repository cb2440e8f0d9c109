/* Evasion: a file that the function sends to itself over a pair of sockets, and has not yet received. */
#include "open_files.h"
#include <sys/socket.h>

static int ends[2];

static void send_file(const char *contents)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec part = {"x", 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    int file = memfd_create("sent", MFD_CLOEXEC);
    check(file >= 0, "memfd_create");
    write_all(file, contents, strlen(contents));
    memcpy(CMSG_DATA(&control.header), &file, sizeof file);
    (void)!sendmsg(ends[1], &message, MSG_DONTWAIT);
    close(file);
}

static void prepare(void)
{
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
}

static void handle(const char *secret)
{
    char contents[SECRET_SIZE] = "none", byte;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    int file;
    if (recvmsg(ends[0], &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) == 1 && message.msg_controllen > 0) {
        memcpy(&file, CMSG_DATA(&control.header), sizeof file);
        ssize_t count = pread(file, contents, sizeof contents - 1, 0);
        contents[count > 0 ? count : 0] = '\0';
        close(file);
    }
    send_file(secret);
    answer("{\"file\":\"%s\"}", contents);
}
