/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hvtrace attach: the agent does the work.
 * Attach is machine state: it outlives this command until hvtrace detach.
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
		hvt_die(HVT_USAGE, "attach: %s: takes no operand; try: hvtrace attach --help",
			argv[optind]);
	hvt_agent_exec("attach", json);
}

const struct hvt_command hvt_cmd_attach = {
	"attach", run, "put this machine under the hypervisor until detach", "[OPTION...]", options,
};
