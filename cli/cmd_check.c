/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hvtrace check: the agent does the work.
 * Can this machine do it; if not, the reason and the remedy.
 */
#include "cli.h"

#include <getopt.h>

static const struct hvt_option options[] = {
	HVT_OPT_FORMAT,
	HVT_OPT_HELP,
	{ 0 },
};

static int run(const struct hvt_command *cmd, int argc, char **argv)
{
	bool json = false;
	int o;

	while ((o = hvt_next_option(cmd, argc, argv, false)) >= 0)
		json = hvt_format_is_json(optarg); /* the only option that comes back */
	if (optind < argc)
		hvt_die(HVT_USAGE, "check: %s: takes no operand; try: hvtrace check --help",
			argv[optind]);
	hvt_agent_exec("check", json);
}

const struct hvt_command hvt_cmd_check = {
	"check", run, "say whether this machine can do it, and if not, why", "[OPTION...]", options,
};
