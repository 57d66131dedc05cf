/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hvtrace check, attach, detach, status: about the machine as a whole. All that they do
 * needs the device, so the agent does it.
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

	while (hvt_next_option(cmd, argc, argv, false) >= 0)
		json = hvt_format_is_json(optarg); /* the only option that comes back */
	if (optind < argc)
		hvt_die(HVT_USAGE, "%s: %s: takes no operand; try: hvtrace %s --help", cmd->name,
			argv[optind], cmd->name);
	hvt_agent_exec(cmd->name, json);
}

const struct hvt_command hvt_cmd_check = {
	"check", run, "say whether this machine can do it, and if not, why", "[OPTION...]", options,
};

/* Machine state: it outlives this command until hvtrace detach. */
const struct hvt_command hvt_cmd_attach = {
	"attach", run, "put this machine under the hypervisor until detach", "[OPTION...]", options,
};

/* Refused while anything is armed. */
const struct hvt_command hvt_cmd_detach = {
	"detach", run, "take the machine out of the hypervisor", "[OPTION...]", options,
};

const struct hvt_command hvt_cmd_status = {
	"status", run, "say what is attached and armed, exits and losses", "[OPTION...]", options,
};
