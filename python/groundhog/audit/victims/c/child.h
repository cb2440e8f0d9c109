/* What the victims share whose child does to an open file what the function itself cannot do unseen.
 *
 * The file is open by two numbers. The function closes the first before its child acts on it: whoever looks at the
 * function's own table then finds nothing there. The second shows what became of the file. */
#ifndef CHILD_H
#define CHILD_H

#include "open_files.h"

enum { ACTED = 20, SEEN = 21 };

static void open_twice(int fd)
{
    check(fd >= 0 && dup3(fd, ACTED, O_CLOEXEC) == ACTED && dup3(fd, SEEN, O_CLOEXEC) == SEEN, "dup3");
    close(fd);
}

/* Without isolation, an earlier request has closed the first number. */
static void open_again(void)
{
    if (fcntl(ACTED, F_GETFD) < 0)
        check(dup3(SEEN, ACTED, O_CLOEXEC) == ACTED, "dup3");
}

/* Waits until the other side says so. */
static void await(int pipe_end)
{
    char byte;
    check(read(pipe_end, &byte, 1) == 1, "read");
}

__attribute__((unused)) static void await_end(pid_t child)
{
    int status;
    check(child > 0 && waitpid(child, &status, 0) == child && status == 0, "a child");
}

/* Has a child act on ACTED once the function has closed it. What the child tries may be refused. */
__attribute__((unused)) static void by_child(void (*act)(const char *secret), const char *secret)
{
    int go[2];
    open_again();
    check(pipe2(go, O_CLOEXEC) == 0, "pipe");
    pid_t child = fork();
    if (child == 0) {
        await(go[0]);
        act(secret);
        _exit(0);
    }
    check(child > 0 && close(ACTED) == 0 && write(go[1], "x", 1) == 1, "fork");
    await_end(child);
    close(go[0]);
    close(go[1]);
}
#endif
