// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvtrace-agent attach and detach: the state of the machine that outlives a command.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "blocked.h"
#include "device.h"

int machine_options(int argc, char **argv, bool *json)
{
	static const struct option options[] = {
		{ "format", required_argument, NULL, 'f' },
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 },
	};
	int c;

	*json = false;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "+v", options, NULL)) != -1) {
		switch (c) {
		case 'f':
			*json = !strcmp(optarg, "json");
			if (!*json && strcmp(optarg, "text"))
				return complain(AGENT_USAGE,
						"--format %s: no such format; "
						"try: text or json",
						optarg);
			break;
		case 'v':
			agent_verbose = true;
			break;
		default:
			return complain(AGENT_USAGE,
					"%s %s: bad option; try: --format "
					"text|json",
					argv[0], argv[optind - 1]);
		}
	}
	if (optind < argc)
		return complain(AGENT_USAGE, "%s %s: takes no argument; try: without it", argv[0],
				argv[optind]);
	return AGENT_OK;
}

static int get_status(const struct device *dev, struct hvt_status *st)
{
	int rc;

	memset(st, 0, sizeof(*st));
	st->size = sizeof(*st);
	rc = device_ioctl(dev, HVT_IOC_STATUS, st);
	return rc ? module_complain(CALL_STATUS, "status", rc) : AGENT_OK;
}

static void say_attached(bool json, bool attached, bool changed, uint32_t cpus)
{
	if (json)
		printf("{\"type\":\"machine\",\"attached\":%s,\"changed\":%s,\"cpus\":%u}\n",
		       attached ? "true" : "false", changed ? "true" : "false", cpus);
	else if (!attached)
		puts(changed ? "detached" : "not attached");
	else
		printf("%sattached: %u CPUs\n", changed ? "" : "already ", cpus);
}

static int open_for(const char *what, struct device *dev)
{
	int rc = require_root(what);

	return rc ? rc : device_open(dev);
}

int cmd_attach(int argc, char **argv)
{
	struct hvt_status before, after;
	struct device dev = { .fd = -1 };
	bool json;
	int rc;

	rc = machine_options(argc, argv, &json);
	if (rc == AGENT_OK)
		rc = open_for("attach", &dev);
	if (rc)
		return rc;
	rc = get_status(&dev, &before);
	/* A broken machine is asked again for the reason. */
	if (rc == AGENT_OK && (!(before.flags & HVT_ST_PERSIST) || before.flags & HVT_ST_BROKEN))
		rc = device_attach(&dev, HVT_ATTACH_PERSIST);
	if (rc == AGENT_OK)
		rc = get_status(&dev, &after);
	if (rc == AGENT_OK)
		say_attached(json, true, !(before.flags & HVT_ST_PERSIST), after.cpus_attached);
	device_close(&dev);
	return rc ? rc : finish_output(AGENT_OK);
}

static int say_busy(const struct device *dev, const struct hvt_status *st)
{
	struct hvt_watch_info info = { .size = sizeof(info) };

	if (st->watches && device_ioctl(dev, HVT_IOC_WATCH_INFO, &info) == 0)
		return complain(AGENT_ERROR,
				"detach: %u watch%s armed, the first by PID %d; try: end "
				"that process first",
				st->watches, st->watches == 1 ? " is" : "es are", info.owner);
	return complain(AGENT_ERROR, "detach: %u session%s open; try: end them first", st->sessions,
			st->sessions == 1 ? " is" : "s are");
}

int cmd_detach(int argc, char **argv)
{
	struct device dev = { .fd = -1 };
	struct hvt_status st;
	bool json;
	int rc, err;

	rc = machine_options(argc, argv, &json);
	if (rc == AGENT_OK)
		rc = open_for("detach", &dev);
	if (rc)
		return rc;
	rc = get_status(&dev, &st);
	if (rc == AGENT_OK && st.flags & HVT_ST_ATTACHED) {
		err = device_ioctl(&dev, HVT_IOC_DETACH, NULL);
		if (err == -EBUSY && get_status(&dev, &st) == AGENT_OK)
			rc = say_busy(&dev, &st);
		else if (err)
			rc = module_complain(CALL_DETACH, "detach", err);
	}
	if (rc == AGENT_OK)
		say_attached(json, false, !!(st.flags & HVT_ST_ATTACHED), 0);
	device_close(&dev);
	return rc ? rc : finish_output(AGENT_OK);
}
