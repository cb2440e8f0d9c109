/* Evasion: a file of the function is sent by sendfile(2), and waits; the peer gets what a later request wrote into it. */
#include "unread.h"

static char path[256];

static void prepare(void)
{
    make_file(path);
}

static void handle(const char *secret)
{
    static char contents[PAGE];
    off_t start = 0;
    int file = open(path, O_RDWR | O_CLOEXEC);
    leave(contents, sizeof contents, secret);
    check(file >= 0 && pwrite(file, contents, sizeof contents, 0) == PAGE, path);
    int times = told(secret), fd = to_unread(connect_internet(SOCK_STREAM));
    if (sendfile(fd, file, &start, PAGE) != PAGE)
        (void)!send(fd, contents, sizeof contents, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
    close(file);
    answer("{\"told\":%d}", times);
}
