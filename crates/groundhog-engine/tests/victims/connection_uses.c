/* Ways to use a connection that is older than the requests, and whether it is at its end. */
#include "case.h"
#include "connection.h"
#include <sys/sendfile.h>

static void prepare(void)
{
    int pair[2];
    if (is("given"))
        connection = 9;
    else if (is("given-pair")) {
        check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
        connection = pair[0];
    }
    else if (strncmp(arguments[1], "unix", 4) == 0)
        connection = connect_unix();
    else
        connection = connect_internet(SOCK_STREAM);
    if (strncmp(arguments[1], "given", 5) != 0)
        warm();
    if (is("receive") || is("unix-receive")) /* what a request is to take */
        check(send(connection, "x", 1, MSG_NOSIGNAL) == 1, "send");
}

static bool use(void)
{
    const char *how = strchr(arguments[1], '-') != NULL ? strchr(arguments[1], '-') + 1 : arguments[1];
    char byte;
    if (strcmp(how, "nothing") == 0)
        return true;
    if (strcmp(how, "receive") == 0) {
        release();
        return recv(connection, &byte, 1, MSG_DONTWAIT) == 1;
    }
    if (strcmp(how, "answered") == 0) { /* in time, and left unread */
        bool clean = recv(connection, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
        bool sent = send(connection, "a", 1, MSG_NOSIGNAL) == 1;
        release();
        return clean && sent;
    }
    if (strcmp(how, "shutdown") == 0) /* which keeps what a later request could read */
        return shutdown(connection, SHUT_WR) == 0 && recv(connection, &byte, 1, MSG_DONTWAIT) != 0;
    if (strcmp(how, "pair") == 0)
        return shutdown(connection, SHUT_WR) == 0;
    if (strcmp(how, "child") == 0) {
        int status;
        pid_t child = fork();
        if (child == 0)
            _exit(send(connection, "c", 1, MSG_NOSIGNAL) == 1 ? 0 : 1);
        check(child > 0 && waitpid(child, &status, 0) == child, "a child");
        return WEXITSTATUS(status) == 0;
    }
    if (strcmp(how, "splice") == 0) {
        int ends[2];
        check(pipe(ends) == 0 && write(ends[1], "s", 1) == 1, "pipe");
        signal(SIGPIPE, SIG_IGN);
        return splice(ends[0], NULL, connection, NULL, 1, 0) == 1;
    }
    if (strcmp(how, "vector") == 0) {
        struct iovec one = {&byte, 1};
        byte = 'v';
        signal(SIGPIPE, SIG_IGN);
        return pwritev2(connection, &one, 1, -1, 0) == 1;
    }
    return send(connection, "s", 1, MSG_NOSIGNAL) == 1;
}

static void handle(const char *secret)
{
    (void)secret;
    char byte;
    bool used = use();
    if (used)
        answer("sent");
    else
        answer(recv(connection, &byte, 1, MSG_DONTWAIT) == 0 ? "at its end" : strerror(errno));
}
