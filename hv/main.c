// SPDX-License-Identifier: GPL-2.0-only
/* Module entry. Loading changes nothing: the machine is attached by ioctl. */
#include <linux/module.h>
#include "hv.h"

static int __init hvt_init(void)
{
	int rc = hvt_cpu_init();

	if (rc)
		return rc;
	rc = hvt_dev_init();
	if (rc)
		hvt_cpu_exit();
	return rc;
}

static void __exit hvt_exit(void)
{
	hvt_dev_exit();
	hvt_cpu_exit();
}

module_init(hvt_init);
module_exit(hvt_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Late-launch VMX hypervisor that traces memory accesses");
MODULE_VERSION("0.1.0");
