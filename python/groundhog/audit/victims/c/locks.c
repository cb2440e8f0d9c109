/* Locks on files of the snapshot: of flock(2), of the open file description, of the process. */
#include "victim.h"
#include <sys/file.h>

static int files[3];

static void prepare(void)
{
    for (int i = 0; i < 3; i++) {
        char path[256];
        files[i] = temporary_file(path);
        unlink(path);
    }
}

static int locks_on(int fd)
{
    char path[64], line[256];
    int count = 0;
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    FILE *info = fopen(path, "re");
    check(info != NULL, path);
    while (fgets(line, sizeof line, info) != NULL)
        count += strncmp(line, "lock:", 5) == 0;
    fclose(info);
    return count;
}

static void handle(const char *secret)
{
    (void)secret;
    int before[3];
    for (int i = 0; i < 3; i++)
        before[i] = locks_on(files[i]);
    struct flock part = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 3, .l_len = 4};
    check(flock(files[0], LOCK_EX) == 0, "flock");
    check(fcntl(files[1], F_OFD_SETLK, &part) == 0, "F_OFD_SETLK");
    check(fcntl(files[2], F_SETLK, &part) == 0, "F_SETLK");
    answer("{\"of_file\":%d,\"of_description\":%d,\"of_process\":%d}", before[0], before[1], before[2]);
}
