/* Evasion: a file of the function is sent by sendfile(2) from under a second name, which is gone by then, and waits; the
 * peer gets what a later request wrote into it under its first one. */
#include "unread.h"

static char path[256], second[264];

static void prepare(void)
{
    make_file(path);
    snprintf(second, sizeof second, "%s-too", path);
}

static void handle(const char *secret)
{
    static char contents[PAGE];
    off_t start = 0;
    int writing = open(path, O_WRONLY | O_CLOEXEC);
    leave(contents, sizeof contents, secret);
    check(writing >= 0 && pwrite(writing, contents, sizeof contents, 0) == PAGE, path);
    close(writing);
    int times = told(secret), fd = to_unread(connect_internet(SOCK_STREAM));
    check(link(path, second) == 0, second);
    int file = open(second, O_RDONLY | O_CLOEXEC);
    check(file >= 0 && unlink(second) == 0, second);
    if (sendfile(fd, file, &start, PAGE) != PAGE)
        (void)!send(fd, contents, sizeof contents, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
    close(file);
    answer("{\"told\":%d}", times);
}
