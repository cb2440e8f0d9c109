/* The times and permissions of a socket, which it has like any file. */
#include "open_files.h"
#include <sys/socket.h>

enum { LONG_AGO = 100000000 };

static int made;

static void prepare(void)
{
    made = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    /* A new one may have the times of one that is closed: the kernel does not set them. */
    check(made >= 0 && futimens(made, (struct timespec[2]){{.tv_sec = LONG_AGO}, {.tv_sec = LONG_AGO}}) == 0, "socket");
}

static void handle(const char *secret)
{
    struct stat found;
    struct timespec times[2] = {{.tv_sec = 1 + number_in(secret)}, {.tv_sec = 1 + number_in(secret)}};
    check(fstat(made, &found) == 0, "fstat");
    (void)!futimens(made, times);
    (void)!fchmod(made, (mode_t)(0600 | (number_in(secret) & 7)));
    answer("{\"mode\":\"%o\",\"modified\":%ld}", found.st_mode & 07777, (long)found.st_mtime);
}
