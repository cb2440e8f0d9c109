/* Evasion: a thread takes a descriptor table of its own; the function closes its number; the thread locks the file. */
#include "child.h"
#include <sys/file.h>

static int ready[2], go[2];

static void prepare(void)
{
    char path[256];
    int file = temporary_file(path);
    unlink(path);
    open_twice(file);
    check(pipe2(ready, O_CLOEXEC) == 0 && pipe2(go, O_CLOEXEC) == 0, "pipe");
}

static void *acts(void *nothing)
{
    (void)!unshare(CLONE_FILES);
    check(write(ready[1], "x", 1) == 1, "write");
    await(go[0]);
    (void)!flock(ACTED, LOCK_EX | LOCK_NB);
    return nothing;
}

static void handle(const char *secret)
{
    pthread_t thread;
    (void)secret;
    open_again();
    int again = reopen(SEEN, O_RDWR);
    check(again >= 0, "reopen");
    bool locked = flock(again, LOCK_EX | LOCK_NB) != 0;
    close(again);
    check(pthread_create(&thread, NULL, acts, NULL) == 0, "pthread_create");
    await(ready[0]);
    check(close(ACTED) == 0 && write(go[1], "x", 1) == 1, "close");
    pthread_join(thread, NULL);
    answer("{\"locked\":%d}", locked);
}
