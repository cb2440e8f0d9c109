/* What the victims share of which a thread is to run code while their process is reverted, when nobody judges what it does: it has the
 * action of a signal be the secret, and ends the thread. */

/* As the kernel takes and tells it. */
struct action {
    unsigned long handler, flags, restorer, mask;
};
enum { HAS_RESTORER = 0x04000000 };
__attribute__((used)) static struct action unjudged_action;

/* Calls `rt_sigaction` of SIGUSR2 (12), then `exit`. */
#define UNJUDGED_CODE                                                                                                              \
    "mov $13, %eax\n"                                                                                                              \
    "mov $12, %edi\n"                                                                                                              \
    "lea unjudged_action(%rip), %rsi\n"                                                                                            \
    "xor %edx, %edx\n"                                                                                                             \
    "mov $8, %r10d\n"                                                                                                              \
    "syscall\n"                                                                                                                    \
    "mov $60, %eax\n"                                                                                                              \
    "xor %edi, %edi\n"                                                                                                             \
    "syscall\n"

/* What an earlier request's secret made of the action. */
static unsigned long handler_now(void)
{
    struct action now = {0};
    check(syscall(SYS_rt_sigaction, SIGUSR2, NULL, &now, sizeof now.mask) == 0, "rt_sigaction");
    return now.handler;
}

static atomic_int sleeper;

static bool sleeps(void)
{
    char path[64], text[512] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", atomic_load(&sleeper));
    int file = open(path, O_RDONLY | O_CLOEXEC);
    check(file >= 0 && read(file, text, sizeof text - 1) > 0, path);
    close(file);
    return strncmp(strrchr(text, ')'), ") S", 3) == 0;
}

/* Starts a thread that says who it is and sleeps. */
static void start_sleeper(void *(*work)(void *), const char *secret)
{
    pthread_t thread;
    unjudged_action = (struct action){PAGE + strtoul(secret + 1, NULL, 10), HAS_RESTORER, PAGE, 0};
    atomic_store(&sleeper, 0);
    check(pthread_create(&thread, NULL, work, NULL) == 0, "a thread");
    while (atomic_load(&sleeper) == 0 || !sleeps())
        sched_yield();
}
