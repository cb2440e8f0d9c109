/* Leaves shared memory that has a name. */
#include "victim.h"

static void prepare(void)
{
}

static void handle(const char *secret)
{
    char seen[SECRET_SIZE] = "none";
    const char *mark = getenv("GROUNDHOG_TRIAL");
    char name[128];
    snprintf(name, sizeof name, "/victim-%s", mark != NULL ? mark : "x");
    int fd = shm_open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) { /* refused, where there is no private one */
        answer("{\"seen\":\"%s\"}", seen);
        return;
    }
    struct stat found;
    check(fstat(fd, &found) == 0, "fstat");
    check(ftruncate(fd, PAGE) == 0, "ftruncate");
    char *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    check(memory != MAP_FAILED, "mmap");
    if (found.st_size != 0)
        snprintf(seen, sizeof seen, "something");
    memcpy(memory, secret, strlen(secret));
    munmap(memory, PAGE);
    close(fd);
    answer("{\"seen\":\"%s\"}", seen);
}
