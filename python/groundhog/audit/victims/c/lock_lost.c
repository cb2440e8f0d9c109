/* A lock of the process, held at the snapshot, is lost when any descriptor for the same file is closed. */
#include "victim.h"

static int file;

static void prepare(void)
{
    char path[256];
    file = temporary_file(path);
    unlink(path);
    check(fcntl(file, F_SETLK, &(struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET}) == 0, "F_SETLK");
}

static void handle(const char *secret)
{
    char path[64], line[256];
    int held = 0;
    (void)secret;
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", file);
    FILE *info = fopen(path, "re");
    check(info != NULL, path);
    while (fgets(line, sizeof line, info) != NULL)
        held += strncmp(line, "lock:", 5) == 0;
    fclose(info);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    int again = open(path, O_RDWR);
    check(again >= 0 && close(again) == 0, "open");
    answer("{\"held\":%d}", held);
}
