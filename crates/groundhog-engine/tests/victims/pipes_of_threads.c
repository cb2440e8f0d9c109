/* Two threads copy from one file to another, for which the kernel makes a pipe that each keeps; what is left of the pipes that the user may have
 * tells that. */
#include "case.h"

enum { MOST = 400, LARGE = 1 << 20, USUAL = 1 << 16 };
static int wanted[2], done[2];

static void copy(void)
{
    int from = memfd_create("from", MFD_CLOEXEC), to = memfd_create("to", MFD_CLOEXEC);
    check(from >= 0 && to >= 0 && write(from, "c", 1) == 1, "memfd_create, write");
    check(lseek(from, 0, SEEK_SET) == 0 && copy_file_range(from, NULL, to, NULL, 1, 0) == 1, "copy_file_range");
    close(from);
    close(to);
}

static void *work(void *unused)
{
    char byte;
    check(write(done[1], "d", 1) == 1, "write");
    while (read(wanted[0], &byte, 1) == 1) {
        copy();
        check(write(done[1], "d", 1) == 1, "write");
    }
    return unused;
}

static void prepare(void)
{
    pthread_t other;
    char byte;
    check(pipe2(wanted, O_CLOEXEC) == 0 && pipe2(done, O_CLOEXEC) == 0, "pipe");
    check(pthread_create(&other, NULL, work, NULL) == 0 && read(done[0], &byte, 1) == 1, "a thread");
}

/* How many large pipes there is room for, then how many of the usual size. */
static void count_room(int *large, int *usual)
{
    int pipes[MOST][2], count = 0;
    *large = *usual = 0;
    for (bool enough = true; enough && count < MOST; *large += enough)
        check(pipe2(pipes[count++], O_CLOEXEC) == 0, "pipe"), enough = fcntl(pipes[count - 1][0], F_SETPIPE_SZ, LARGE) == LARGE;
    for (bool enough = true; enough && count < MOST; *usual += enough)
        check(pipe2(pipes[count++], O_CLOEXEC) == 0, "pipe"), enough = fcntl(pipes[count - 1][0], F_GETPIPE_SZ) == USUAL;
    while (count-- > 0) {
        close(pipes[count][0]);
        close(pipes[count][1]);
    }
}

static void handle(const char *secret)
{
    int large, usual;
    char byte;
    (void)secret;
    count_room(&large, &usual);
    copy();
    check(write(wanted[1], "w", 1) == 1 && read(done[0], &byte, 1) == 1, "the other thread");
    answer("room for %d and %d", large, usual);
}
