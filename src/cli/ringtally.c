/* SPDX-License-Identifier: BSD-2-Clause */
/* ringtally: the user's tool. What it can do stands in command.c. */
#include "base/base.h"
#include "cli/command.h"

int
main(int argc, char **argv)
{
	return command_main(argc, argv);
}
