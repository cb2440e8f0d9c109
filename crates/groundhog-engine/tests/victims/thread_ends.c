/* A thread of the snapshot that ends in a request: holding a mutex ("robust"), or as the last one but the first, which ends after it ("last")
 * or before it ("first"). */
#include "case.h"

static atomic_int go, ready;
static bool is_joined;
static pthread_t thread;
static pthread_mutex_t mutex;

static char first_thread_state(void)
{
    char path[64], line[256] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", getpid());
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    check(fd >= 0 && read(fd, line, sizeof line - 1) > 0, path);
    close(fd);
    return strrchr(line, ')')[2];
}

static void *wait_for_the_request(void *unused)
{
    check(!is("robust") || pthread_mutex_lock(&mutex) == 0, "lock");
    atomic_store(&ready, 1);
    while (!atomic_load(&go))
        usleep(100);
    while (is("first") && first_thread_state() != 'Z')
        sched_yield();
    return unused;
}

static void prepare(void)
{
    pthread_mutexattr_t robust;
    check(pthread_mutexattr_init(&robust) == 0, "attributes");
    check(pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST) == 0, "robust");
    check(pthread_mutex_init(&mutex, &robust) == 0, "mutex");
    check(pthread_create(&thread, NULL, wait_for_the_request, NULL) == 0, "pthread_create");
    while (!atomic_load(&ready))
        sched_yield();
}

static void handle(const char *secret)
{
    (void)secret;
    bool was_joined = is_joined;
    atomic_store(&go, 1);
    if (!is_joined && !is("first"))
        check(pthread_join(thread, NULL) == 0, "pthread_join");
    is_joined = true;
    if (is("robust"))
        answer("lock: %d", pthread_mutex_lock(&mutex));
    else
        answer("it was %s", was_joined ? "gone" : "there");
    if (is("last") || is("first"))
        syscall(SYS_exit, 0);
}
