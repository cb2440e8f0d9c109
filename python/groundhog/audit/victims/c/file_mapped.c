/* Changes a file of the snapshot through a shared mapping, which is no call and leaves its times alone on a tmpfs. */
#include "files.h"

static void prepare(void)
{
    prepare_files();
}

static void handle(const char *secret)
{
    char seen[8192];
    snprintf(seen, sizeof seen, "%s", all_files());
    int fd = open(in_folder("kept"), O_RDWR | O_CLOEXEC);
    check(fd >= 0, "open");
    char *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    check(memory != MAP_FAILED, "mmap");
    close(fd);
    memcpy(memory, secret, 8);
    check(munmap(memory, PAGE) == 0, "munmap");
    answer("{\"seen\":\"%s\"}", seen);
}
