/* Evasion: two shared mappings of one memory file, which the kernel joins once they are made alike. It does not where one of them was
 * replaced by what looks the same, and is of another opening of the file. */
#include "mappings.h"

static char *memory;
static char anew[64];

static void prepare(void)
{
    int fd = memfd_create("parted", MFD_CLOEXEC);
    check(fd >= 0 && ftruncate(fd, 2 * PAGE) == 0, "memfd_create");
    snprintf(anew, sizeof anew, "/proc/self/fd/%d", fd);
    char *place = reserve_alone(2 * PAGE) + PAGE;
    memory = mmap(place, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    check(memory == place && mprotect(memory + PAGE, PAGE, PROT_READ) == 0, "mmap");
}

static void handle(const char *secret)
{
    (void)secret;
    check(mprotect(memory + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect");
    size_t once_alike = mappings_within(memory, 2 * PAGE);
    check(mprotect(memory + PAGE, PAGE, PROT_READ) == 0, "mprotect");
    int fd = open(anew, O_RDWR | O_CLOEXEC);
    check(fd >= 0, anew);
    check(mmap(memory + PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, PAGE) == memory + PAGE, "mmap");
    close(fd);
    answer("{\"mappings\":%zu}", once_alike);
}
