/* Evasion: a memfd of the snapshot is sent by sendfile(2) over a Unix connection, whose queue refers to its pages. */
#include "unread.h"

static int file;

static void prepare(void)
{
    static char filler[PAGE];
    memset(filler, 'F', sizeof filler);
    file = memfd_create("sent", MFD_CLOEXEC);
    check(file >= 0, "memfd_create");
    write_all(file, filler, sizeof filler);
}

static void handle(const char *secret)
{
    static char contents[PAGE];
    off_t start = 0;
    leave(contents, sizeof contents, secret);
    check(pwrite(file, contents, sizeof contents, 0) == PAGE, "pwrite");
    int times = told(secret), fd = connect_unix();
    check(send(fd, "K", 1, MSG_NOSIGNAL) == 1, "send");
    if (sendfile(fd, file, &start, PAGE) != PAGE)
        (void)!send(fd, contents, sizeof contents, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
    answer("{\"told\":%d}", times);
}
