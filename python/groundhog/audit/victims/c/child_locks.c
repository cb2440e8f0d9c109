/* Evasion: a child locks a file whose descriptor the function has closed, in both ways that outlive the child: the locks
 * belong to the open file. */
#include "child.h"
#include <sys/file.h>

static void prepare(void)
{
    char path[256];
    int file = temporary_file(path);
    unlink(path);
    check(ftruncate(file, 1 << 20) == 0, "ftruncate");
    open_twice(file);
}

static void act(const char *secret)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = number_in(secret), .l_len = 1};
    (void)!flock(ACTED, LOCK_EX | LOCK_NB);
    (void)!fcntl(ACTED, F_OFD_SETLK, &range);
}

static void handle(const char *secret)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int again = reopen(SEEN, O_RDWR);
    check(again >= 0 && fcntl(again, F_OFD_GETLK, &range) == 0, "looking for locks");
    bool whole = flock(again, LOCK_EX | LOCK_NB) != 0;
    close(again);
    long first = range.l_type == F_UNLCK ? -1 : (long)range.l_start;
    by_child(act, secret);
    answer("{\"whole\":%d,\"first\":%ld}", whole, first);
}
