/* Evasion: a compromised function writes, then turns the kernel's own tracking interfaces on itself, so that its
 * writes look like none: the page map scan that protects what it lists, the reset of the soft-dirty bits. */
#include "case.h"
#include <sys/ioctl.h>

struct scan {
    uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
    uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define SCAN _IOWR('f', 16, struct scan)
enum { SIZE = 16 * PAGE };

static char *memory, *file;

static void prepare(void)
{
    char path[256];
    memory = lonely(SIZE);
    memset(memory, 's', SIZE);
    int fd = temporary_file(path);
    unlink(path);
    check(ftruncate(fd, SIZE) == 0, "ftruncate");
    file = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    check(file != MAP_FAILED, "mmap");
    memset(file, 's', SIZE / 2);
    close(fd);
}

static void protect(char *start, size_t length)
{
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    check(fd >= 0, "pagemap");
    struct scan scan = {.size = sizeof scan, .flags = 1 /* PM_SCAN_WP_MATCHING */,
                        .start = (uintptr_t)start, .end = (uintptr_t)start + length};
    (void)ioctl(fd, SCAN, &scan);
    close(fd);
}

static void clear(void)
{
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!write(fd, "4", 1);
        close(fd);
    }
}

static void handle(const char *secret)
{
    size_t changed = other_than(memory, SIZE, 's') + other_than(file, SIZE / 2, 's') + other_than(file + SIZE / 2, SIZE / 2, 0);
    leave(memory + PAGE, 2 * PAGE, secret);
    leave(file + PAGE, SIZE / 2, secret);
    if (is("scan") || is("scan_in_child")) {
        protect(memory, SIZE);
        protect(file, SIZE);
    } else
        clear();
    answer("{\"changed\":%zu}", changed);
}
