/* A hole punched into shared memory by advice on its mapping (MADV_REMOVE), and one through a read-only mapping of a writable
 * object, by its descriptor. */
#include "victim.h"

enum { SIZE = 8 * PAGE };
static char *shared, *mapped;
static int object;

static void prepare(void)
{
    shared = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    object = memfd_create("victim", MFD_CLOEXEC);
    check(shared != MAP_FAILED && object >= 0 && ftruncate(object, SIZE) == 0, "shared memory");
    char *writable = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);
    mapped = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, object, 0);
    check(writable != MAP_FAILED && mapped != MAP_FAILED, "mmap");
    memset(shared, 's', SIZE);
    memset(writable, 's', SIZE);
    check(munmap(writable, SIZE) == 0, "munmap");
}

static void handle(const char *secret)
{
    size_t in_shared = other_than(shared, SIZE, 's'), in_mapped = other_than(mapped, SIZE, 's');
    size_t page = (size_t)secret[7] % 8 * PAGE;
    check(madvise(shared + page, PAGE, MADV_REMOVE) == 0 || errno == EINVAL, "MADV_REMOVE");
    check(fallocate(object, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)page, PAGE) == 0 || errno == EPERM,
          "fallocate");
    answer("{\"shared\":%zu,\"mapped\":%zu}", in_shared, in_mapped);
}
