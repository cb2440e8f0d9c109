/* Private mappings of a file: pages written before the snapshot and pages still the file's own; written, discarded (the
 * file shows through again, which no dirty bit tells), discarded and written, and a read-only one patched. */
#include "victim.h"

enum { SIZE = 8 * PAGE, COPIED = 4 * PAGE };
static char *written, *dropped, *dropped_read, *dropped_written, *read_only;

static char *map_file(int fd)
{
    char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    check(memory != MAP_FAILED, "mmap of a file");
    check(mmap(NULL, PAGE, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED, "guard");
    /* The first half is ours already, the second the file's. */
    memset(memory, 's', COPIED);
    return memory;
}

static void prepare(void)
{
    char path[256], bytes[SIZE];
    int fd = temporary_file(path);
    memset(bytes, 'f', sizeof bytes);
    write_all(fd, bytes, sizeof bytes);
    written = map_file(fd);
    dropped = map_file(fd);
    dropped_read = map_file(fd);
    dropped_written = map_file(fd);
    read_only = map_file(fd);
    check(mprotect(read_only, SIZE, PROT_READ) == 0, "mprotect");
    close(fd);
    unlink(path);
}

static size_t look(const char *memory)
{
    return other_than(memory, COPIED, 's') + other_than(memory + COPIED, SIZE - COPIED, 'f');
}

static void handle(const char *secret)
{
    size_t found[] = {look(written), look(dropped), look(dropped_read), look(dropped_written), look(read_only)};
    leave(written + PAGE, PAGE, secret);
    leave(written + COPIED, 2 * PAGE, secret);
    check(madvise(dropped, SIZE, MADV_DONTNEED) == 0, "MADV_DONTNEED");
    check(madvise(dropped_read, SIZE, MADV_DONTNEED) == 0, "MADV_DONTNEED");
    (void)look(dropped_read);
    check(madvise(dropped_written, SIZE, MADV_DONTNEED) == 0, "MADV_DONTNEED");
    leave(dropped_written, SIZE, secret);
    check(mprotect(read_only, SIZE, PROT_READ | PROT_WRITE) == 0, "mprotect");
    leave(read_only, SIZE, secret);
    check(mprotect(read_only, SIZE, PROT_READ) == 0, "mprotect");
    answer("{\"written\":%zu,\"dropped\":%zu,\"read\":%zu,\"dropped_written\":%zu,\"read_only\":%zu}", found[0], found[1],
           found[2], found[3], found[4]);
}
