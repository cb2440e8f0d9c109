/* Evasion: a child that has ended has left shared memory under a name, and a lock on a file that the process has open, too. */
#include "victim.h"

static char name[64];
static int file;

static void prepare(void)
{
    char path[256];
    file = temporary_file(path);
    unlink(path);
    snprintf(name, sizeof name, "/victim-%d", getpid());
}

/* By another open file of the same; a lock of one's own is no hindrance. */
static bool is_locked(void)
{
    char path[64];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    int again = open(path, O_RDWR | O_CLOEXEC);
    check(again >= 0 && fcntl(again, F_OFD_GETLK, &lock) == 0, "F_OFD_GETLK");
    close(again);
    return lock.l_type != F_UNLCK;
}

static void handle(const char *secret)
{
    int status, object = shm_open(name, O_RDONLY | O_CLOEXEC, 0);
    bool found = object >= 0, locked = is_locked();
    close(object);
    pid_t child = fork();
    if (child == 0) {
        /* By Landlock nobody may make one. */
        object = shm_open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        check(object < 0 || write(object, secret, strlen(secret)) > 0, "write");
        check(fcntl(file, F_OFD_SETLK, &(struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET}) == 0 || errno == EAGAIN,
              "F_OFD_SETLK");
        _exit(0);
    }
    check(child > 0 && waitpid(child, &status, 0) == child && status == 0, "a child");
    answer("{\"object\":%d,\"locked\":%d}", found, locked);
}
