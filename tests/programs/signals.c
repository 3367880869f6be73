/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signals: prints every signal that it gets, one a line, and ends with status 7 at SIGTERM.
 * With "stay" it ends at SIGKILL only.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const struct {
	int number;
	const char *line;
} known[] = {
	{ SIGHUP, "got HUP\n" },   { SIGINT, "got INT\n" },     { SIGQUIT, "got QUIT\n" },
	{ SIGUSR1, "got USR1\n" }, { SIGUSR2, "got USR2\n" },   { SIGTERM, "got TERM\n" },
	{ SIGCONT, "got CONT\n" }, { SIGWINCH, "got WINCH\n" },
};

static int stays;

static void on_signal(int number)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].number == number)
			(void)!write(STDOUT_FILENO, known[i].line, strlen(known[i].line));
	if (number == SIGTERM && !stays)
		_exit(7);
}

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = on_signal };

	stays = argc > 1 && strcmp(argv[1], "stay") == 0;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (sigaction(known[i].number, &action, NULL) < 0)
			return 1;
	(void)!write(STDOUT_FILENO, "listening\n", 10);
	for (;;)
		(void)pause();
}
