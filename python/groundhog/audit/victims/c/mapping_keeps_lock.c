/* Evasion: a memory file is opened anew, locked, and mapped in the place of a mapping of the snapshot, which looks the same. The mapping
 * keeps what was opened, and so the lock. "private": it is a private one. */
#include "victim.h"
#include <sys/file.h>

static char *memory;
static char anew[64];
static int kind = MAP_SHARED;

static void prepare(void)
{
    if (command_words[0] != NULL && strcmp(command_words[0], "private") == 0)
        kind = MAP_PRIVATE;
    int fd = memfd_create("locked", MFD_CLOEXEC);
    check(fd >= 0 && ftruncate(fd, PAGE) == 0, "memfd_create");
    snprintf(anew, sizeof anew, "/proc/self/fd/%d", fd);
    memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, kind, fd, 0);
    check(memory != MAP_FAILED, "mmap");
}

static void handle(const char *secret)
{
    (void)secret;
    int fd = open(anew, O_RDWR | O_CLOEXEC);
    check(fd >= 0, anew);
    bool is_free = flock(fd, LOCK_EX | LOCK_NB) == 0;
    check(is_free || errno == EWOULDBLOCK, "flock");
    check(mmap(memory, PAGE, PROT_READ | PROT_WRITE, kind | MAP_FIXED, fd, 0) == memory, "mmap");
    close(fd);
    answer("{\"free\":%d}", is_free);
}
