/* Ways to have memory written, or held, behind everyone's back: io_uring, AIO, huge pages of hugetlbfs, a userfaultfd
 * of its own. The second argument says whether it is there "before" the snapshot or made "during" a request. */
#include "case.h"
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>

static bool absent(void)
{
    return errno == ENOSYS || errno == EPERM || errno == ENODEV || errno == EINVAL;
}

/* Answers whether this kernel has it. */
static bool make(void)
{
    if (is("io_uring")) {
        struct io_uring_params parameters = {0};
        long fd = syscall(SYS_io_uring_setup, 4, &parameters);
        check(fd >= 0 || absent(), "io_uring_setup");
        return fd >= 0;
    }
    if (is("aio")) {
        aio_context_t context = 0;
        long result = syscall(SYS_io_setup, 4, &context);
        check(result == 0 || absent(), "io_setup");
        return result == 0;
    }
    if (is("hugetlb")) {
        /* Without reserve: none need be free as long as none is touched. */
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE;
        char *memory = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, flags, -1, 0);
        check(memory != MAP_FAILED || absent(), "MAP_HUGETLB");
        return memory != MAP_FAILED;
    }
    long fd = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
    struct uffdio_api api = {.api = UFFD_API};
    char *memory = lonely(PAGE);
    struct uffdio_register range = {.range = {(uintptr_t)memory, PAGE}, .mode = UFFDIO_REGISTER_MODE_MISSING};
    check(fd >= 0 || absent(), "userfaultfd");
    check(fd < 0 || (ioctl((int)fd, UFFDIO_API, &api) == 0 && ioctl((int)fd, UFFDIO_REGISTER, &range) == 0), "register");
    return fd >= 0;
}

static bool made;

static void prepare(void)
{
    if (strcmp(arguments[2], "before") == 0)
        made = make();
}

static void handle(const char *secret)
{
    (void)secret;
    if (strcmp(arguments[2], "during") == 0)
        made = make();
    answer("%s", made ? "made" : "absent");
}
