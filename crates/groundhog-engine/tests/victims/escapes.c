/* Calls that would take memory, threads or children out of the supervisor's sight, and what they answer. */
#include "case.h"
#include <linux/sched.h>

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
    close(self);
    answer("untraced %s, descriptors %s, directory %s, handlers %s, sibling %s, clone3 %s, free %s and %s", untraced,
           with_descriptors, with_directory, with_handlers, as_sibling, by_clone3, lazily, by_pidfd);
}
