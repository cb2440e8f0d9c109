/* A child makes a socket with a name through a number that is a descriptor of the snapshot in its parent. */
#include "files.h"
#include <sys/socket.h>
#include <sys/un.h>

static void prepare(void)
{
    prepare_files();
}

static void handle(const char *secret)
{
    char seen[8192];
    snprintf(seen, sizeof seen, "%s", all_files());
    pid_t child = fork();
    check(child >= 0, "fork");
    if (child == 0) {
        int socket_fd = socket(AF_UNIX, SOCK_STREAM, 0);
        check(dup2(socket_fd, 1) == 1, "dup2");
        struct sockaddr_un name = {.sun_family = AF_UNIX};
        snprintf(name.sun_path, sizeof name.sun_path, "%s", in_folder(secret));
        check(bind(1, (struct sockaddr *)&name, sizeof name) == 0, "bind");
        _exit(0);
    }
    int status;
    check(waitpid(child, &status, 0) == child && status == 0, "waitpid");
    answer("{\"seen\":\"%s\"}", seen);
}
