// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/hvtrace: opening it, shaking hands, mapping the rings.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent.h"
#include "blocked.h"
#include "buf.h"
#include "device.h"

/* More CPUs than any kernel is built for; also keeps the mmap offsets below 2^63. */
#define CPUS_MAX 8192u

int require_root(const char *what)
{
	if (geteuid() == 0)
		return AGENT_OK;
	return complain(AGENT_UNSUPPORTED, "%s: not root; try: sudo hvtrace %s ...", what, what);
}

int device_ioctl(const struct device *dev, unsigned long cmd, void *arg)
{
	int rc;

	do {
		rc = ioctl(dev->fd, cmd, arg);
	} while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

int device_open(struct device *dev)
{
	int rc;

	memset(dev, 0, sizeof(*dev));
	dev->fd = open(HVT_DEVICE, O_RDWR | O_CLOEXEC);
	if (dev->fd < 0)
		return module_complain(CALL_OPEN, HVT_DEVICE, errno);
	dev->hello.size = sizeof(dev->hello);
	rc = device_ioctl(dev, HVT_IOC_HELLO, &dev->hello);
	if (rc) {
		rc = module_complain(CALL_HELLO, HVT_DEVICE, rc);
	} else if (dev->hello.abi != HVT_ABI) {
		rc = complain(AGENT_ERROR,
			      HVT_DEVICE ": the loaded module has ABI %u and this agent "
					 "%u; try: modprobe -r hvtrace && modprobe hvtrace",
			      dev->hello.abi, HVT_ABI);
	} else if (!dev->hello.nr_cpus || dev->hello.nr_cpus > CPUS_MAX) {
		rc = complain(AGENT_ERROR,
			      HVT_DEVICE ": reports %u CPUs; try: a module that fits "
					 "this agent",
			      dev->hello.nr_cpus);
	}
	if (rc)
		device_close(dev);
	return rc;
}

static void *map(const struct device *dev, size_t len, int prot, uint64_t offset)
{
	void *p = mmap(NULL, len, prot, MAP_SHARED, dev->fd, (off_t)offset);

	return p == MAP_FAILED ? NULL : p;
}

static int map_ring(const struct device *dev, uint32_t cpu, uint32_t slots, struct ring *ring)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	ring->slots = slots;
	ring->head = map(dev, page, PROT_READ, HVT_MMAP_HEAD((uint64_t)cpu));
	if (!ring->head)
		return -errno;
	ring->tail = map(dev, page, PROT_READ | PROT_WRITE, HVT_MMAP_TAIL((uint64_t)cpu));
	if (!ring->tail)
		return -errno;
	ring->data = map(dev, (size_t)slots * HVT_SLOT, PROT_READ, HVT_MMAP_DATA((uint64_t)cpu));
	if (!ring->data)
		return -errno;
	ring->present = true;
	return 0;
}

int device_rings(struct device *dev, uint32_t slots)
{
	struct hvt_rings rings = { .size = sizeof(rings),
				   .slots = slots,
				   .flags = HVT_RINGS_NOT_MINE };
	uint32_t cpu;
	int rc;

	rc = device_ioctl(dev, HVT_IOC_RINGS, &rings);
	if (rc)
		return module_complain(CALL_RINGS, "--ring-slots", rc);
	if (!rings.slots || rings.slots & (rings.slots - 1) || rings.slots > 1u << 26 ||
	    rings.nr_cpus != dev->hello.nr_cpus)
		return complain(AGENT_ERROR,
				HVT_DEVICE ": made %u rings of %u slots; try: a module "
					   "that fits this agent",
				rings.nr_cpus, rings.slots);

	dev->rings = xrealloc(NULL, rings.nr_cpus * sizeof(*dev->rings));
	memset(dev->rings, 0, rings.nr_cpus * sizeof(*dev->rings));
	for (cpu = 0; cpu < rings.nr_cpus; cpu++) {
		rc = map_ring(dev, cpu, rings.slots, &dev->rings[cpu]);
		/* A CPU number that is not in use has no ring. */
		if (rc && rc != -ENXIO && rc != -ENODEV)
			return module_complain(CALL_MMAP, HVT_DEVICE, rc);
	}
	return AGENT_OK;
}

int device_attach(const struct device *dev, uint32_t flags)
{
	struct hvt_attach attach = { .size = sizeof(attach), .flags = flags };
	int rc = device_ioctl(dev, HVT_IOC_ATTACH, &attach);

	if (!rc)
		return AGENT_OK;
	if (attach.blocked.reason != HVT_BLOCK_NONE)
		return blocked_complain("attach", &attach.blocked);
	return module_complain(CALL_ATTACH, "attach", rc);
}

int device_clock(const struct device *dev, struct hvt_log_clock *clock)
{
	struct hvt_clock c = { .size = sizeof(c) };
	int rc = device_ioctl(dev, HVT_IOC_CLOCK, &c);

	if (rc)
		return module_complain(CALL_CLOCK, HVT_DEVICE, rc);
	*clock = (struct hvt_log_clock){
		.tsc = c.tsc,
		.mono_ns = c.mono_ns,
		.real_ns = c.real_ns,
		.tsc_khz = c.tsc_khz,
	};
	return AGENT_OK;
}

void device_close(struct device *dev)
{
	/* The mappings hold the file open: they have to go as well. */
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint32_t cpu;

	for (cpu = 0; dev->rings && cpu < dev->hello.nr_cpus; cpu++) {
		struct ring *r = &dev->rings[cpu];

		if (r->head)
			munmap((void *)r->head, page);
		if (r->tail)
			munmap(r->tail, page);
		if (r->data)
			munmap((void *)r->data, (size_t)r->slots * HVT_SLOT);
	}
	free(dev->rings);
	dev->rings = NULL;
	if (dev->fd >= 0)
		close(dev->fd);
	dev->fd = -1;
}
