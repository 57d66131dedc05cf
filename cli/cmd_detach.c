/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hvtrace detach: the agent does the work.
 * Take the machine out again; refused while anything is armed.
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
		hvt_die(HVT_USAGE, "detach: %s: takes no operand; try: hvtrace detach --help",
			argv[optind]);
	hvt_agent_exec("detach", json);
}

const struct hvt_command hvt_cmd_detach = {
	"detach", run, "take the machine out of the hypervisor", "[OPTION...]", options,
};
