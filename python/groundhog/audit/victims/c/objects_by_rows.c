/* Every call of System V objects and POSIX queues, by the process, a child and a thread: on objects from before the snapshot,
 * and on new ones. A jail has a namespace for them, or refuses them all. */
#define PLACES BY_PROCESS, BY_CHILD, BY_THREAD
#include "rows.h"
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

enum { KEY = 0x47480000 };

struct message {
    long type;
    char text[8];
};

static int segment = -1, semaphores = -1, queue = -1, named = -1;
static char *attached;

static void set_up(void)
{
    /* Without a jail, too, the machine keeps nothing, where one may have a namespace. */
    if (unshare(CLONE_NEWIPC) != 0)
        attempt(unshare(CLONE_NEWUSER | CLONE_NEWIPC));
    segment = shmget(KEY, PAGE, IPC_CREAT | 0600);
    semaphores = semget(KEY, 2, IPC_CREAT | 0600);
    queue = msgget(KEY, IPC_CREAT | 0600);
    named = mq_open("/victim-kept", O_RDWR | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0600,
                    &(struct mq_attr){.mq_maxmsg = 4, .mq_msgsize = 8});
    void *memory = segment < 0 ? (void *)-1 : shmat(segment, NULL, 0);
    attached = memory == (void *)-1 ? NULL : memory;
    if (attached != NULL)
        memset(attached, 's', PAGE);
    attempt(semctl(semaphores, 0, SETVAL, 3));
    attempt(msgsnd(queue, &(struct message){1, "before"}, 8, IPC_NOWAIT));
    if (named >= 0)
        attempt(mq_send(named, "before", 6, 1));
    /* Notified of the queue's first message. */
    signal(SIGUSR1, SIG_IGN);
}

static void look(void)
{
    struct shmid_ds memory = {0};
    struct msqid_ds messages = {0};
    struct mq_attr attributes = {0};
    bool has_segment = shmctl(segment, IPC_STAT, &memory) == 0, has_queue = msgctl(queue, IPC_STAT, &messages) == 0;
    say("segment %d %o %d, queue %d %o %d\n", has_segment, has_segment ? memory.shm_perm.mode : 0,
        has_segment ? (int)memory.shm_nattch : 0, has_queue, has_queue ? messages.msg_perm.mode : 0,
        has_queue ? (int)messages.msg_qnum : 0);
    say("semaphores %d %d\n", semctl(semaphores, 0, GETVAL), semctl(semaphores, 1, GETVAL));
    say("attached %d %c\n", attached != NULL && is_mapped(attached, PAGE),
        attached != NULL && is_mapped(attached, PAGE) ? *attached : ' ');
    say("found %d %d %d\n", shmget(KEY + 1, 0, 0) >= 0, semget(KEY + 1, 0, 0) >= 0, msgget(KEY + 1, 0) >= 0);
    mqd_t other = mq_open("/victim-new", O_RDONLY);
    mqd_t again = mq_open("/victim-kept", O_RDONLY | O_CLOEXEC);
    bool is_open = named >= 0 && mq_getattr(named, &attributes) == 0;
    say("named %d %d %d %ld %ld\n", is_open, other >= 0, again >= 0, attributes.mq_curmsgs, attributes.mq_flags);
    if (other >= 0)
        mq_close(other);
    if (again >= 0)
        mq_close(again);
    if (named >= 0) {
        char line[256];
        snprintf(line, sizeof line, "/proc/self/fdinfo/%d", named);
        say_lines(line, " flags: ");
    }
}

static void rows(void)
{
    struct message taken;
    struct sembuf more = {.sem_num = 0, .sem_op = 1, .sem_flg = IPC_NOWAIT};
    const struct timespec now_is = {0};
    struct shmid_ds memory = {.shm_perm = {.uid = getuid(), .gid = getgid(), .mode = 0640}};
    struct msqid_ds messages = {.msg_perm = {.uid = getuid(), .gid = getgid(), .mode = 0640}, .msg_qbytes = 100};
    if (row("shmget"))
        attempt(shmget(KEY + 1, PAGE, IPC_CREAT | 0600));
    if (row("shmat")) {
        char *mapped = segment < 0 ? (void *)-1 : shmat(segment, NULL, 0);
        if (mapped != (void *)-1)
            *mapped = 'Q';
    }
    if (row("shmdt"))
        attempt(attached == NULL ? -1 : shmdt(attached));
    if (row("shmctl"))
        attempt(shmctl(segment, IPC_SET, &memory));
    if (row("shmctl that removes"))
        attempt(shmctl(segment, IPC_RMID, NULL));
    if (row("semget"))
        attempt(semget(KEY + 1, 1, IPC_CREAT | 0600));
    if (row("semop"))
        attempt(syscall(SYS_semop, semaphores, &more, 1));
    if (row("semtimedop"))
        attempt(syscall(SYS_semtimedop, semaphores, &more, 1, &now_is));
    if (row("semctl"))
        attempt(semctl(semaphores, 1, SETVAL, number % 1000 + 1));
    if (row("msgget"))
        attempt(msgget(KEY + 1, IPC_CREAT | 0600));
    if (row("msgsnd"))
        attempt(msgsnd(queue, &(struct message){2, "secret"}, 8, IPC_NOWAIT));
    if (row("msgrcv"))
        attempt(msgrcv(queue, &taken, sizeof taken.text, 0, IPC_NOWAIT));
    if (row("msgctl"))
        attempt(msgctl(queue, IPC_SET, &messages));
    if (row("mq_open"))
        attempt(mq_open("/victim-new", O_RDWR | O_CREAT | O_CLOEXEC, 0600, NULL));
    if (row("mq_unlink"))
        attempt(mq_unlink("/victim-kept"));
    if (row("mq_timedsend"))
        attempt(syscall(SYS_mq_timedsend, named, "secret", 6, 2, &now_is));
    if (row("mq_timedreceive"))
        attempt(syscall(SYS_mq_timedreceive, named, taken.text, sizeof taken.text, NULL, &now_is));
    if (row("mq_getsetattr"))
        attempt(syscall(SYS_mq_getsetattr, named, &(struct mq_attr){0}, NULL));
    if (row("mq_notify"))
        attempt(syscall(SYS_mq_notify, named, &(struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1}));
}
