/* Calls that would take memory, threads or children out of the supervisor's sight, and what they answer. */
#include "case.h"
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <linux/sched.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

static void prepare(void) {}

static const char *result(long value)
{
    return value < 0 ? strerrorname_np(errno) : "allowed";
}

/* A child with nothing else to do; on a stack of its own where it shares ours. */
static const char *clone_with(unsigned long flags)
{
    static char stack[PAGE] __attribute__((aligned(16)));
    long child = syscall(SYS_clone, flags | SIGCHLD, flags & CLONE_VM ? stack + sizeof stack : NULL, NULL, NULL, NULL);
    if (child == 0)
        _exit(0);
    return result(child);
}

static void handle(const char *secret)
{
    (void)secret;
    const char *untraced = clone_with(CLONE_UNTRACED);
    const char *with_descriptors = clone_with(CLONE_FILES);
    const char *with_directory = clone_with(CLONE_FS);
    const char *with_handlers = clone_with(CLONE_VM | CLONE_SIGHAND);
    const char *as_sibling = clone_with(CLONE_PARENT);
    unsigned long thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    const char *awaited = clone_with(thread | CLONE_VFORK);
    struct clone_args details = {.flags = CLONE_UNTRACED, .exit_signal = SIGCHLD};
    long child = syscall(SYS_clone3, &details, sizeof details);
    if (child == 0)
        _exit(0);
    const char *by_clone3 = result(child);
    char *memory = lonely(PAGE);
    const char *lazily = result(madvise(memory, PAGE, MADV_FREE));
    int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    struct iovec page = {memory, PAGE};
    const char *by_pidfd = result(syscall(440 /* process_madvise */, self, &page, 1, MADV_FREE, 0));
    const char *guard = result(madvise(memory, PAGE, 102 /* MADV_GUARD_INSTALL */));
    struct io_uring_params parameters = {0};
    aio_context_t context = 0;
    const char *ring = result(syscall(SYS_io_uring_setup, 4, &parameters));
    const char *queue = result(syscall(SYS_io_setup, 4, &context));
    const char *reading = result(process_vm_readv(getppid(), &page, 1, &page, 1, 0));
    const char *writing = result(process_vm_writev(getpid(), &page, 1, &page, 1, 0));
    const char *tracing = result(ptrace(PTRACE_SEIZE, getppid(), NULL, NULL));
    const char *taking = result(syscall(SYS_pidfd_getfd, self, 0, 0));
    close(self);
    answer("untraced %s, descriptors %s, directory %s, handlers %s, sibling %s, awaited %s, clone3 %s, "
           "free %s and %s, guard %s, ring %s, queue %s, memory of others %s and %s, tracing %s, descriptors of others %s",
           untraced, with_descriptors, with_directory, with_handlers, as_sibling, awaited, by_clone3, lazily, by_pidfd,
           guard, ring, queue, reading, writing, tracing, taking);
}
