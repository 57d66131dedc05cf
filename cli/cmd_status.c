/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hvtrace status: the agent does the work.
 * What is attached and armed, exit counts, losses.
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
		hvt_die(HVT_USAGE, "status: %s: takes no operand; try: hvtrace status --help",
			argv[optind]);
	hvt_agent_exec("status", json);
}

const struct hvt_command hvt_cmd_status = {
	"status", run, "say what is attached and armed, exits and losses", "[OPTION...]", options,
};
