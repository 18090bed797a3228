/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "feed/exec_child.h"

#define EXEC_CHILD_TROUBLE 3 /* descriptor on which it tells why not */

/* --- in the child, where only async-signal-safe calls may be made -------- */

/*
 * Signals are blocked on entry: a handler of ours would tell the daemon's
 * loop, through the descriptors that both have.
 */
static void
exec_child_signals(void)
{
	sigset_t none;
	int signo;

	for (signo = 1; signo < NSIG; signo++)
		signal(signo, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int
exec_child_descriptors(int out, int err, int trouble)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	/* none of these numbers is below 3: the daemon has those */
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 ||
	    dup2(err, 2) < 0)
		return -1;
	if (trouble != EXEC_CHILD_TROUBLE &&
	    dup3(trouble, EXEC_CHILD_TROUBLE, O_CLOEXEC) < 0)
		return -1;
	return close_range(EXEC_CHILD_TROUBLE + 1, UINT_MAX, 0);
}

static _Noreturn void
exec_child_main(char *const *argv, char *const *env, pid_t parent, int out,
    int err, int trouble)
{
	ssize_t told;
	int why;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0); /* it died before that */
	if (exec_child_descriptors(out, err, trouble) == 0 && chdir("/") == 0) {
		exec_child_signals();
		execve(argv[0], argv, env);
	}
	why = errno;
	told = write(EXEC_CHILD_TROUBLE, &why, sizeof(why));
	_exit(told == sizeof(why) ? 126 : 125);
}

/* --- in the daemon ------------------------------------------------------- */

/* Three pipes: out, err and trouble; the daemon reads all of them. */
struct exec_pipes {
	int fds[3][2];
};

static void
exec_pipes_close(struct exec_pipes *pipes, int end)
{
	size_t i;

	for (i = 0; i < RT_COUNT(pipes->fds); i++) {
		if (pipes->fds[i][end] >= 0)
			close(pipes->fds[i][end]);
		pipes->fds[i][end] = -1;
	}
}

static int
exec_pipes_open(struct exec_pipes *pipes, struct err *err)
{
	size_t i;

	*pipes = (struct exec_pipes){{{-1, -1}, {-1, -1}, {-1, -1}}};
	for (i = 0; i < RT_COUNT(pipes->fds); i++)
		if (pipe2(pipes->fds[i], O_CLOEXEC) < 0)
			goto failed;
	/* our ends: what the child writes to is another description */
	if (fcntl(pipes->fds[0][0], F_SETFL, O_NONBLOCK) == 0 &&
	    fcntl(pipes->fds[1][0], F_SETFL, O_NONBLOCK) == 0)
		return 0;
failed:
	err_sys(err, "pipe");
	exec_pipes_close(pipes, 0);
	exec_pipes_close(pipes, 1);
	return -1;
}

static pid_t
exec_child_fork(
    char *const *argv, char *const *env, const struct exec_pipes *pipes)
{
	sigset_t all, before;
	pid_t parent = getpid(), pid;
	int saved;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		exec_child_main(argv, env, parent, pipes->fds[0][1],
		    pipes->fds[1][1], pipes->fds[2][1]);
	saved = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return pid;
}

/* Blocks until the child runs its program or can not: no time at all. */
static int
exec_child_trouble(int fd)
{
	int why = 0;
	ssize_t n;

	do
		n = read(fd, &why, sizeof(why));
	while (n < 0 && errno == EINTR);
	return n == sizeof(why) ? why : 0;
}

int
exec_child_start(struct exec_child *child, char *const *argv, const char *feed,
    struct err *err)
{
	char name[512];
	char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	char lang[] = "LANG=C.UTF-8";
	char *const env[] = {path, lang, name, NULL};
	struct exec_pipes pipes;
	int why;

	if (exec_pipes_open(&pipes, err) < 0)
		return -1;
	snprintf(name, sizeof(name), "RINGTALLY_FEED=%s", feed);
	child->pid = exec_child_fork(argv, env, &pipes);
	why = errno;
	exec_pipes_close(&pipes, 1);
	if (child->pid > 0)
		why = exec_child_trouble(pipes.fds[2][0]);
	if (child->pid > 0 && why != 0)
		waitpid(child->pid, NULL, 0);
	if (why != 0 || child->pid < 0) {
		exec_pipes_close(&pipes, 0);
		child->pid = 0;
		errno = why;
		return err_sys(err, "%s can not be run", argv[0]);
	}
	setpgid(child->pid, child->pid); /* it has done so; nobody waits */
	close(pipes.fds[2][0]);
	child->out = pipes.fds[0][0];
	child->err = pipes.fds[1][0];
	return 0;
}

bool
exec_child_has_ended(const struct exec_child *child)
{
	siginfo_t info = {.si_pid = 0};

	return waitid(P_PID, (id_t)child->pid, &info,
		   WEXITED | WNOHANG | WNOWAIT) == 0 &&
	    info.si_pid == child->pid;
}

void
exec_child_signal(const struct exec_child *child, int signo)
{
	kill(-child->pid, signo);
}

static void
exec_child_how(int status, char *how, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(how, size, "ended by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else
		snprintf(
		    how, size, "exited with status %d", WEXITSTATUS(status));
}

bool
exec_child_reap(struct exec_child *child, char *how, size_t size)
{
	int status = 0;
	pid_t ended;

	kill(-child->pid, SIGKILL); /* its number is still its own */
	do
		ended = waitpid(child->pid, &status, WNOHANG);
	while (ended < 0 && errno == EINTR);
	if (ended == child->pid)
		exec_child_how(status, how, size);
	else
		snprintf(how, size, "did not end even when it was killed");
	child->pid = 0;
	return ended > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
